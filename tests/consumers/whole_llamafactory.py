"""LLaMA-Factory's own loading, converting and tokenizing of our rows."""
import contextlib
import io
import json
import sys
from pathlib import Path

import datasets
import transformers

from trainer_code import Standin

# The index's newest torchaudio does not load beside its newest torch; there is no sound here.
sys.modules["torchaudio"] = Standin("torchaudio")

from llamafactory.data.loader import _get_merged_dataset, _get_preprocessed_dataset
from llamafactory.data.template import get_template_and_fix_tokenizer
from llamafactory.hparams import DataArguments, ModelArguments
from llamafactory.model.patcher import patch_processor

MODEL = Path(__file__).resolve().parents[1] / "reference/models/qwen2_vl"

datasets.disable_progress_bars()


def processed_rows(exports):
    """No row is dropped, as many picture tokens as pictures take, and a row is as long as retake counts it."""
    seen = {}
    for target, query, stage in [
        ("pref-x", "source:pairs", "rm"),
        ("pref-x", "source:ferries in:pair", "rm"),
        ("llamafactory-sft", "source:trajectories", "sft"),
        ("llamafactory-sft", "source:ferries in:trajectory", "sft"),
        ("llamafactory-kto", "source:pairs", "kto"),
    ]:
        for form, media in [("json", "copy"), ("parquet", "embed")]:
            name = f"{target}-{query[7:].replace(' ', '-').replace(':', '-')}-{form}"
            exports.export(target, query, f"{name}.{form}", "--media", media)
            rows = json.loads((exports.folder / f"{name}.{form}.manifest.json").read_text())["files"][0]["rows"]
            tokenizer = transformers.AutoTokenizer.from_pretrained(MODEL)
            processor = transformers.AutoProcessor.from_pretrained(MODEL)
            model = ModelArguments(model_name_or_path=str(MODEL))
            patch_processor(processor, tokenizer, model)
            data = DataArguments(
                template="qwen2_vl", dataset=name, dataset_dir=str(exports.folder), cutoff_len=1 << 20, overwrite_cache=True
            )
            training = transformers.Seq2SeqTrainingArguments(output_dir=str(exports.folder / "out"), report_to=[], use_cpu=True)
            template = get_template_and_fix_tokenizer(tokenizer, data)
            merged = _get_merged_dataset(data.dataset, model, data, training, stage)
            with contextlib.redirect_stdout(io.StringIO()):  # it prints an example
                made = _get_preprocessed_dataset(merged, data, training, stage, template, tokenizer, processor)
            assert len(made) == len(rows), (name, len(made), len(rows))
            first, second = {"rm": ("chosen_input_ids", "rejected_input_ids"), "sft": ("input_ids",) * 2, "kto": ("input_ids",) * 2}[stage]
            picture = tokenizer.convert_tokens_to_ids("<|image_pad|>")
            for row in made:
                shown = len(row["images"] or [])
                assert (row[first].count(picture) > 0) == (shown > 0), name
                assert row[first].count(tokenizer.convert_tokens_to_ids("<|vision_start|>")) == shown, name
            lengths = [max(len(row[first]), len(row[second])) for row in made]
            if form == "json" and stage != "sft":
                check_lengths(exports, target, query, lengths)
            seen[name] = f"{len(rows)} rows of up to {max(lengths)} tokens"
    return seen


def check_lengths(exports, target, query, lengths):
    """What retake refuses at a limit is what is longer."""
    for limit in [max(lengths), max(lengths) - 1, min(lengths)]:
        fitting = sum(length <= limit for length in lengths)
        options = ["--tokenizer", str(MODEL), "--max-tokens", str(limit), "--format", "json", "--media", "path"]
        said = json.loads(exports.run("check", target, query, *options, codes=(0, 3)))
        assert said["ready"] == fitting, (target, limit, lengths, said)


CHECKS = [processed_rows]
