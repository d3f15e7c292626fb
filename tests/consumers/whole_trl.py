"""TRL's own collators and preparation of data sets on our rows."""
import json
from pathlib import Path
from types import SimpleNamespace

import datasets
import torch
import transformers
from trl import DPOConfig, KTOConfig, SFTConfig
from trl.trainer.dpo_trainer import DataCollatorForPreference, DataCollatorForVisionPreference, DPOTrainer
from trl.trainer.kto_trainer import DataCollatorForVisionUnpairedPreference, KTOTrainer
from trl.trainer.sft_trainer import DataCollatorForVisionLanguageModeling, SFTTrainer

MODEL = Path(__file__).resolve().parents[1] / "reference/models/qwen3_vl"
TEXT_ROWS = "source:ferries in:trajectory"
TEXT_PAIRS = "source:ferries in:pair"

datasets.disable_progress_bars()


def load(path):
    kind = "parquet" if path.suffix == ".parquet" else "json"
    return datasets.load_dataset(kind, data_files=str(path), split="train")


def processor():
    return transformers.AutoProcessor.from_pretrained(MODEL)


def check_pictures(batch, rows, copies):
    """As many picture tokens as the pictures' grids make."""
    token = processor().image_token_id
    tokens = (batch["input_ids"] == token).sum().item()
    squares = batch["image_grid_thw"].prod(dim=1).sum().item() // 4
    assert tokens == squares > 0, (tokens, squares)
    assert len(batch["image_grid_thw"]) == copies * sum(len(row["images"]) for row in rows)


def batches_with_pictures(exports):
    """The collators of DPO, SFT and KTO take rows with pictures: from Parquet with bytes, from lines with paths."""
    seen = {}
    for form, media in [("parquet", "embed"), ("jsonl", "path")]:
        for target, query, collator, copies in [
            ("trl-preference", "source:pairs", DataCollatorForVisionPreference, 2),
            ("trl-sft", "source:trajectories", DataCollatorForVisionLanguageModeling, 1),
            ("kto", "source:pairs", DataCollatorForVisionUnpairedPreference, 1),
        ]:
            path = exports.export(target, query, f"{target}-pictures.{form}", "--media", media)
            rows = load(path)
            for start in range(0, len(rows), 4):
                examples = [rows[place] for place in range(start, min(start + 4, len(rows)))]
                count = [{"images": list(example["images"])} for example in examples]
                batch = collator(processor())(examples)
                if any(row["images"] for row in count):
                    check_pictures(batch, count, copies)
            seen[f"{target}.{form}"] = len(rows)
    return seen


def prepared_text(exports):
    """The trainers prepare rows with tools; a row is as long as retake counts it."""
    tokenizer = processor().tokenizer
    seen = {}
    for form in ["jsonl", "parquet"]:
        for target, query, trainer, config in [
            ("trl-preference", TEXT_PAIRS, DPOTrainer, DPOConfig),
            ("trl-sft", TEXT_ROWS, SFTTrainer, SFTConfig),
            ("kto", TEXT_PAIRS, KTOTrainer, KTOConfig),
        ]:
            rows = load(exports.export(target, query, f"{target}-tools.{form}"))
            options = config(output_dir=str(exports.folder / "out"), max_length=None, report_to=[], use_cpu=True, bf16=False)
            self = SimpleNamespace(
                _tokenizer=tokenizer, chat_template=None, completion_only_loss=False, calculate_KL=False,
                desirable_weight=1.0, undesirable_weight=1.0,
            )
            arguments = (rows, tokenizer, options, False, None, "train") if trainer is SFTTrainer else (rows, tokenizer, options, "train")
            prepared = trainer._prepare_dataset(self, *arguments)
            assert len(prepared) == len(rows)
            if trainer is DPOTrainer:
                batch = DataCollatorForPreference(pad_token_id=tokenizer.pad_token_id)(list(prepared))
                assert batch["completion_mask"].sum(dim=1).min() > 0
                lengths = [len(row["prompt_ids"]) + max(len(row["chosen_ids"]), len(row["rejected_ids"])) for row in prepared]
            elif trainer is SFTTrainer:
                lengths = [len(row["input_ids"]) for row in prepared]
            else:
                lengths = [len(row["prompt_ids"]) + len(row["completion_ids"]) for row in prepared]
            if form == "jsonl":
                check_lengths(exports, target, query, lengths)
            seen[f"{target}.{form}"] = f"{len(rows)} rows of up to {max(lengths)} tokens"
    return seen


def check_lengths(exports, target, query, lengths):
    """What retake refuses at a limit is what is longer."""
    for limit in [max(lengths), max(lengths) - 1, min(lengths)]:
        fitting = sum(length <= limit for length in lengths)
        options = ["--tokenizer", str(MODEL), "--max-tokens", str(limit), "--format", "json"]
        said = json.loads(exports.run("check", target, query, *options, codes=(0, 3)))
        assert said["ready"] == fitting, (target, limit, lengths, said)


CHECKS = [batches_with_pictures, prepared_text]
