"""Each check exports, loads the files as a consumer does, and says what it saw; an AssertionError is a failure."""
import json
from pathlib import Path
from types import SimpleNamespace

import datasets
import pyarrow.dataset
import pyarrow.ipc
import pyarrow.parquet
import transformers
from PIL.Image import Image
from transformers.image_utils import load_image

import trainer_code

datasets.disable_progress_bars()

TOKENIZER = Path(__file__).resolve().parents[1] / "reference/models/qwen3_vl"
PLACEHOLDER = "<|image_pad|>"
TEXT_ROWS = "source:ferries in:trajectory"
TEXT_PAIRS = "source:ferries in:pair"


def load(path):
    """What `load_dataset` gives for a file."""
    kind = {".parquet": "parquet", ".arrow": "arrow", ".json": "json", ".jsonl": "json"}[path.suffix]
    return datasets.load_dataset(kind, data_files=str(path), split="train")


def is_picture(value):
    return isinstance(value, Image) and value.width > 0


def tokenizer():
    """The tokenizer of the reference folder, with its chat template."""
    return transformers.PreTrainedTokenizerFast.from_pretrained(TOKENIZER)


def typed_tables(exports):
    """Parquet and Arrow of trajectories and pairs: typed columns, pictures that decode, and pyarrow reads them."""
    pictures = 0
    for query in ["in:trajectory", "in:pair"]:
        tables = []
        for target in ["parquet", "arrow"]:
            path = exports.export(target, query, f"{target}-{query[3:]}.{target}", "--media", "embed")
            rows = load(path)
            features = rows.features
            assert features["id"] == datasets.Value("string") and features["images"] == datasets.List(datasets.Image()), features
            assert features["steps"].feature["is_error"] == datasets.Value("bool"), features
            found = [picture for row in rows for picture in row["images"]]
            assert found and all(map(is_picture, found)), found
            pictures += len(found)
            tables.append(rows.to_list())
            if target == "parquet":
                table = pyarrow.parquet.read_table(path)
            else:
                table = pyarrow.ipc.open_file(path).read_all()
            assert table.num_rows == len(rows) and table.schema.metadata[b"huggingface"]
            assert pyarrow.dataset.dataset(path, format=target).count_rows() == len(rows)
        assert [row["id"] for row in tables[0]] == [row["id"] for row in tables[1]]
    return f"{pictures} pictures decoded"


def json_lines(exports):
    """`load_dataset("json")` on retake's own lines and the records' own JSON."""
    count = 0
    for target in ["jsonl", "raw-jsonl"]:
        for query in ["source:trajectories", "source:pairs", "source:ferries"]:
            name = f"{target}-{query[7:]}.jsonl"
            count += len(load(exports.export(target, query, name)))
    return f"{count} rows"


def trl_rows(exports):
    """TRL's data functions take rows with pictures, and with tools."""
    from trl.data_utils import apply_chat_template, extract_prompt, is_conversational, prepare_multimodal_messages

    tokens = tokenizer()
    counts = {}

    def templated(row, tools):
        keys = ("prompt", "chosen", "rejected", "completion", "messages", "label")
        return apply_chat_template({key: row[key] for key in keys if key in row}, tokens, tools=tools)

    for target, query in [("trl-preference", "source:pairs"), ("trl-sft", "source:trajectories"), ("kto", "source:pairs")]:
        rows = load(exports.export(target, query, f"{target}-pictures.jsonl", "--media", "path"))
        counts[f"{target} with pictures"] = len(rows)
        assert "tools" not in rows.column_names
        for row in rows:
            assert is_conversational(row)
            images = row["images"]
            assert all(is_picture(load_image(image)) for image in images)
            first = "messages" if "messages" in row else "prompt"
            for key in {"prompt", "chosen", "rejected", "completion", "messages"} & set(row):
                row[key] = prepare_multimodal_messages(row[key], images=images if key == first else None)
            texts = templated(row, None)
            assert texts.get("text", texts.get("prompt")).count(PLACEHOLDER) == len(images)
            assert all(texts[key] for key in texts if key != "label")
        assert any(row["images"] for row in rows)

    for target, query in [("trl-preference", TEXT_PAIRS), ("trl-sft", TEXT_ROWS), ("kto", TEXT_PAIRS)]:
        rows = load(exports.export(target, query, f"{target}-tools.jsonl"))
        counts[f"{target} with tools"] = len(rows)
        # A column of that name would make it a data set of pictures.
        assert "images" not in rows.column_names and "image" not in rows.column_names
        for row in rows:
            assert is_conversational(row)
            tools = json.loads(row["tools"])
            assert [tool["function"]["name"] for tool in tools] == ["find_ferry", "find_price"]
            assert set(tools[0]["function"]["parameters"]["properties"]) == {"harbour"}
            texts = templated(row, tools)
            assert "find_price" in texts.get("text", texts.get("prompt"))
            if "chosen" in row:
                assert texts["chosen"] != texts["rejected"]
                whole = {"chosen": row["prompt"] + row["chosen"], "rejected": row["prompt"] + row["rejected"]}
                assert extract_prompt(whole)["prompt"] == row["prompt"]
            if "label" in row:
                assert isinstance(row["label"], bool)
    return counts


def step_label_rows(exports):
    """TRL's and axolotl's rows of step labels, in axolotl's tokenizing."""
    strategy = trainer_code.axolotl_steps().StepwiseSupervisedPromptTokenizingStrategy(tokenizer(), sequence_len=1 << 20)
    path = exports.export("trl-prm", "source:trajectories", "trl-prm.jsonl", "--allow", "unseen-pictures")
    rows = load(path)
    assert rows.features["labels"] == datasets.List(datasets.Value("bool")), rows.features
    for row in rows:
        assert len(row["completions"]) == len(row["labels"])
        labels = [label for label in strategy.tokenize_prompt(row)["labels"] if label != -100]
        assert labels == [int(label) for label in row["labels"]], row
    return f"{len(rows)} rows"


def llamafactory_rows(exports):
    """LLaMA-Factory's converter takes rows by `dataset_info.json`, without a warning."""
    log = trainer_code.Log()
    parser, converter = trainer_code.llamafactory(log)
    counts = {}
    for target, query in [
        ("pref-x", "source:pairs"),
        ("pref-x", TEXT_PAIRS),
        ("llamafactory-sft", "source:trajectories"),
        ("llamafactory-sft", TEXT_ROWS),
        ("llamafactory-kto", "source:pairs"),
    ]:
        name = f"{target}-{query[7:].replace(' ', '-').replace(':', '-')}"
        path = exports.export(target, query, f"{name}.json", "--media", "copy")
        attributes = parser.get_dataset_list([name], str(exports.folder))[0]
        assert attributes.dataset_name == path.name and attributes.formatting == "sharegpt"
        arguments = SimpleNamespace(media_dir=str(exports.folder))
        convert = converter.get_dataset_converter(attributes.formatting, attributes, arguments)
        rows = load(path)
        counts[name] = len(rows)
        for row in rows:
            aligned = convert(row)
            prompt, response = aligned["_prompt"], aligned["_response"]
            assert len(prompt) % 2 == 1, row
            assert len(response) == (2 if attributes.ranking or attributes.kto_tag else 1), row
            images = aligned["_images"] or []
            sides = [message for message in response if message["content"]]
            for side in sides if attributes.ranking else [sides[-1]]:
                marks = sum(message["content"].count("<image>") for message in [*prompt, side])
                assert marks == len(images), row
            assert all(is_picture(load_image(image)) for image in images), images
            if aligned["_tools"]:
                assert isinstance(json.loads(aligned["_tools"]), list)
        assert not log.lines, log.lines
    return counts


def ms_swift_rows(exports):
    """ms-swift's preprocessor keeps every row, and its inputs have as many marks as pictures on either side."""
    core, inputs = trainer_code.ms_swift(trainer_code.Log())
    counts = {}
    for target, query in [("ms-swift", "source:pairs"), ("ms-swift", TEXT_PAIRS), ("ms-swift-sft", "source:trajectories"), ("ms-swift-sft", TEXT_ROWS)]:
        name = f"{target}-{query[7:].replace(' ', '-').replace(':', '-')}"
        rows = load(exports.export(target, query, f"{name}.jsonl", "--media", "path"))
        preprocessor = core.MessagesPreprocessor()
        rows = core.RowPreprocessor.safe_rename_columns(rows, preprocessor.columns)
        kept = preprocessor.batched_preprocess(rows[:], strict=True, ignore_max_length_error=False)
        kept = core.RowPreprocessor.batched_to_rows(kept)
        assert len(kept) == len(rows)
        counts[name] = len(kept)
        for row in kept:
            both = inputs.TemplateInputs.from_dict({key: value for key, value in row.items() if value is not None})
            sides = [both.chosen] if target.endswith("sft") else [both.chosen, both.rejected]
            for side in sides:
                texts = [side.system or ""] + [message["content"] for message in side.messages]
                assert sum(text.count("<image>") for text in texts) == len(side.images), row
                assert side.messages[-1]["role"] in {"assistant", "tool_call"}
                assert all(is_picture(load_image(image["path"])) for image in side.images)
                roles = [message["role"] for message in side.messages]
                assert roles[0] == "user", roles
            if len(sides) == 2:
                assert sides[0].messages[:-1] == sides[1].messages[:-1] and sides[0].messages[-1] != sides[1].messages[-1]
    return counts


def axolotl_rows(exports):
    """axolotl finds each side of a pair in its templated text, and the pictures of trajectories."""
    pairs, processing, dictionaries = trainer_code.axolotl(trainer_code.Log())
    tokens = tokenizer()
    settings = dictionaries.DictDefault({"datasets": [{"type": "chat_template.default"}], "chat_template": "tokenizer_default"})
    transform, options = pairs.default(settings)
    rows = load(exports.export("axolotl", "in:pair", "axolotl.jsonl"))
    assert options["remove_columns"] == ["messages"] and set(rows.column_names) == {"messages", "chosen", "rejected"}
    for row in rows:
        made = transform(row, tokenizer=tokens)
        for side in ("chosen", "rejected"):
            assert made[side].startswith(row[side]["content"]) and len(made[side]) > 1, made
        assert "dummy_message" not in made["chosen"] + made["rejected"]
    counts = {"axolotl": len(rows)}
    for query in ["source:trajectories", TEXT_ROWS]:
        rows = load(exports.export("axolotl-sft", query, f"axolotl-{query[7:12]}.jsonl", "--media", "path"))
        taken = processing.ProcessingStrategy(SimpleNamespace(tokenizer=tokens))(rows.to_list())
        assert len(taken) == len(rows)
        pictures = 0
        for row in taken:
            parts = [part for message in row["messages"] for part in message["content"]]
            shown = [part for part in parts if part["type"] == "image"]
            assert all(is_picture(load_image(part["path"])) for part in shown), shown
            pictures += len(shown)
            text = tokens.apply_chat_template(row["messages"], tokenize=False)
            assert text.count(PLACEHOLDER) == len(shown)
        counts[f"axolotl-sft {query}"] = f"{len(rows)} rows, {pictures} pictures"
    return counts


CHECKS = [typed_tables, json_lines, trl_rows, step_label_rows, llamafactory_rows, ms_swift_rows, axolotl_rows]
