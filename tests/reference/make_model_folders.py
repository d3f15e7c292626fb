"""Makes the model folders under tests/reference/models/, and in expected.json of each what `transformers` makes of conversations.

Texts, templates and vocabularies are invented here; there are no weights. Each conversation is templated and processed by the
library's own processor, pictures included: its text, its number of tokens, and of each picture size how many tokens it becomes.
Needs: pip install transformers==5.24.0 torchvision pillow num2words (torch comes along; it is not used beyond shapes).
Usage: make_model_folders.py OUT
"""
import json
import os
import sys

from PIL import Image
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import (
    Idefics3ImageProcessor,
    Idefics3Processor,
    PreTrainedTokenizerFast,
    Qwen2_5_VLProcessor,
    Qwen2VLImageProcessor,
    Qwen2VLProcessor,
    Qwen2VLVideoProcessor,
    Qwen3VLProcessor,
    Qwen3VLVideoProcessor,
    SmolVLMImageProcessor,
    SmolVLMProcessor,
    SmolVLMVideoProcessor,
)

TEXT = [
    "Where does the ferry leave, and when? The board says platform two at a quarter past nine.",
    "Thought: I count the boats in the harbour first.\nCode:\n```py\nprint(count(image='harbour.png', what=\"boats\"))\n```",
    "There are 17 boats, 3 of them red.\n\nThe crane was built in 1962; it lifts 40 t.",
    "Größe: 12 m², naïve café, 東京 港, ё, 🙂.",
    "def area(width, height):\n    return width * height  # in square metres\n",
]

CHATML = """
{%- macro body(content) %}
    {%- if content is string %}{{- content }}
    {%- else %}
        {%- for part in content %}
            {%- if part.type == 'image' %}{{- '<|vision_start|><|image_pad|><|vision_end|>' }}
            {%- elif 'text' in part %}{{- part.text }}
            {%- endif %}
        {%- endfor %}
    {%- endif %}
{%- endmacro %}
{%- set seen = namespace(users=0, skipped=false) %}
{%- if tools %}
    {{- '<|im_start|>system\\nTools, one a line:' }}
    {%- for tool in tools %}{{- '\\n' + (tool | tojson) }}{%- endfor %}
    {{- '<|im_end|>\\n' }}
{%- endif %}
{%- for message in messages %}
    {%- if message.role == 'note' %}
        {%- set seen.skipped = true %}
        {%- continue %}
    {%- endif %}
    {%- if message['role'] == 'user' %}{%- set seen.users = seen.users + 1 %}{%- endif %}
    {{- '<|im_start|>' ~ message.role ~ '\\n' }}
    {%- if message.role == 'assistant' %}
        {%- generation %}
        {{- body(message.content) }}
        {%- for call in message.tool_calls or [] %}
            {{- '\\n<call>' }}{{- call.function.name }}{{- ' ' }}{{- call.function.arguments | tojson(indent=1) }}{{- '</call>' }}
        {%- endfor %}
        {{- '<|im_end|>' }}
        {%- endgeneration %}
    {%- else %}
        {{- body(message.content) + '<|im_end|>' }}
    {%- endif %}
    {{- '\\n' }}
{%- endfor %}
{%- if seen.skipped %}{{- '<!-- ' ~ seen.users ~ ' -->' }}{%- endif %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}
"""

UTTERANCES = """<|im_start|>{% for message in messages %}{{ message['role'] | capitalize }}{% if message.content is string %}: {{ message.content.strip() }}{% else %}{% if message['content'][0]['type'] == 'image' %}{{ ':' }}{% else %}{{ ': ' }}{% endif %}{% for line in message['content'] %}{% if line['type'] == 'text' %}{{ line['text'] }}{% elif line['type'] == 'image' %}{{ '<image>' }}{% endif %}{% endfor %}{% endif %}<end_of_utterance>
{% endfor %}{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}"""

TURNS = """
{%- if messages[0]['role'] == 'system' %}
    {%- set before = messages[0].content.rstrip() + '\\n' %}
    {%- set messages = messages[1:] %}
{%- else %}
    {%- set before = '' %}
{%- endif %}
{{- bos_token }}
{%- for message in messages %}
    {%- if (message.role == 'user') != (loop.index0 % 2 == 0) %}
        {{- raise_exception('turns must alternate: user, assistant, user, …') }}
    {%- endif %}
    {%- if message.role == 'user' %}
        {{- '[ASK] ' + (before if loop.first else '') + message.content.strip() + ' [/ASK]' }}
    {%- else %}
        {{- ' ' + message.content.split('</think>')[-1].lstrip('\\n') + eos_token }}
    {%- endif %}
{%- endfor %}
"""

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "count",
            "description": "Counts things in a picture. It says \"none\" for <0.5.",
            "parameters": {
                "type": "object",
                "properties": {"image": {"type": "string"}, "least": {"type": "number", "default": 0.5, "maximum": 1e20}},
                "required": ["image"],
            },
        },
    },
    {"type": "function", "function": {"name": "größe", "parameters": {}}},
]


def message(role, *parts, **fields):
    return {"role": role, "content": list(parts), **fields}


def conversations(alternate):
    """Content is a list of texts and picture sizes; the test makes the same of it."""
    plain = [
        [message("user", TEXT[0])],
        [message("system", "Be brief.\n"), message("user", TEXT[1]), message("assistant", TEXT[2])],
        [message("user", TEXT[3] + "\n\n\n  x"), message("assistant", TEXT[4]), message("user", " A\tB "), message("assistant", "<think>no</think>\nyes")],
    ]
    if alternate:
        return [(messages, []) for messages in plain]
    call = {"type": "function", "function": {"name": "count", "arguments": {"image": "a b.png", "least": 0.25, "of": ["x", None, True, "é\n"]}}}
    return [(messages, []) for messages in plain] + [
        ([message("user", [640, 480], TEXT[0]), message("assistant", TEXT[2])], []),
        ([message("system", "s"), message("user", "One:", [100, 75], "and two:", [31, 500], "?"), message("assistant", "Two."), message("user", [1920, 1080])], []),
        ([message("user", TEXT[0]), message("assistant", "", tool_calls=[call]), message("tool", "17"), message("note", "n"), message("assistant", "17.")], TOOLS),
        ([message("user", "Look.", [224, 224]), message("assistant", "Now.", tool_calls=[call, call]), message("user", "[output]", [57, 43], [300, 300])], TOOLS[:1]),
    ]


SIZES = [[1, 1], [28, 28], [42, 70], [55, 57], [100, 75], [129, 128], [199, 1], [200, 200], [224, 224], [300, 40], [333, 777], [500, 500], [640, 480],
         [777, 333], [1000, 999], [1024, 768], [1280, 720], [1920, 1080], [2048, 100], [3000, 2000]]


def byte_level(special):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(
            __import__("tokenizers").Regex(r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"),
            behavior="isolated",
        ),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=400, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    tokenizer.train_from_iterator(TEXT * 3, trainer)
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in special])
    return tokenizer


def spaced(special):
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.Strip(" ", 1, 0)])
    trainer = trainers.UnigramTrainer(vocab_size=220, special_tokens=special + ["<unk>"], unk_token="<unk>", show_progress=False)
    tokenizer.train_from_iterator(TEXT * 3, trainer)
    return tokenizer


QWEN = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"]
IDEFICS = ["<|im_start|>", "<|im_end|>", "<end_of_utterance>", "<fake_token_around_image>", "<image>", "<global-img>"]
IDEFICS += [f"<row_{row}_col_{column}>" for row in range(1, 5) for column in range(1, 5)]


def fast(tokenizer, eos, **names):
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=eos, pad_token=eos, **names)


def qwen(processor, video, **settings):
    pictures = Qwen2VLImageProcessor(**settings)
    return processor(pictures, fast(byte_level(QWEN), "<|im_end|>"), video(), chat_template=CHATML)


def make(name):
    if name == "qwen2_vl":
        return qwen(Qwen2VLProcessor, Qwen2VLVideoProcessor)
    if name == "qwen2_5_vl":
        return qwen(Qwen2_5_VLProcessor, Qwen2VLVideoProcessor, min_pixels=4 * 28 * 28, max_pixels=600 * 600)
    if name == "qwen3_vl":
        return qwen(Qwen3VLProcessor, Qwen3VLVideoProcessor, patch_size=16, size={"shortest_edge": 65536, "longest_edge": 1000000})
    if name == "idefics3":
        pictures = Idefics3ImageProcessor(size={"longest_edge": 500}, max_image_size={"longest_edge": 128})
        return Idefics3Processor(pictures, fast(byte_level(IDEFICS), "<end_of_utterance>"), image_seq_len=9, chat_template=UTTERANCES)
    if name == "smolvlm":
        pictures = SmolVLMImageProcessor(size={"longest_edge": 512}, max_image_size={"longest_edge": 128})
        tokenizer = fast(byte_level(IDEFICS), "<end_of_utterance>")
        return SmolVLMProcessor(pictures, tokenizer, SmolVLMVideoProcessor(), image_seq_len=4, chat_template=UTTERANCES)
    return fast(spaced(["<s>", "</s>"]), "</s>", bos_token="<s>", unk_token="<unk>", chat_template=TURNS)


def content(parts, in_parts):
    if not in_parts:
        return "".join(parts)
    return [{"type": "text", "text": part} if isinstance(part, str) else {"type": "image"} for part in parts]


def picture(size):
    return Image.new("RGB", tuple(size), (7, 80, 200))


def case(processor, messages, tools, has_pictures):
    sizes = [part for message in messages for part in message["content"] if isinstance(part, list)]
    chat = [{**message, "content": content(message["content"], bool(sizes))} for message in messages]
    text = processor.apply_chat_template(chat, tools=tools or None, tokenize=False)
    if has_pictures:
        ids = processor(text=[text], images=[picture(size) for size in sizes] or None, add_special_tokens=False)["input_ids"][0]
    else:
        ids = processor(text, add_special_tokens=False)["input_ids"]
    return {"messages": messages, "tools": tools, "text": text, "tokens": len(ids), **({} if sizes else {"ids": list(ids)})}


def write(path, value):
    with open(path, "w", encoding="utf-8") as file:
        json.dump(value, file, ensure_ascii=False, indent=None if path.endswith("expected.json") else 1)
        file.write("\n")


def old_layout(folder):
    """Where files were before version 5: the template in JSON, the image processor in a file of its own."""
    with open(f"{folder}/processor_config.json", encoding="utf-8") as file:
        processor = json.load(file)
    settings = {key: value for key, value in processor["image_processor"].items() if value is not None}
    settings["min_pixels"] = settings["size"]["shortest_edge"]
    settings["max_pixels"] = settings.pop("size")["longest_edge"]
    write(f"{folder}/preprocessor_config.json", settings)
    os.remove(f"{folder}/processor_config.json")
    with open(f"{folder}/chat_template.jinja", encoding="utf-8") as file:
        write(f"{folder}/chat_template.json", {"chat_template": file.read()})
    os.remove(f"{folder}/chat_template.jinja")


def main(out):
    for name in ["qwen2_vl", "qwen2_5_vl", "qwen3_vl", "idefics3", "smolvlm", "text"]:
        folder = f"{out}/{name}"
        os.makedirs(folder, exist_ok=True)
        processor = make(name)
        has_pictures = name != "text"
        processor.save_pretrained(folder)
        write(f"{folder}/config.json", {"model_type": name if has_pictures else "llama"})
        cases = [case(processor, messages, tools, has_pictures) for messages, tools in conversations(not has_pictures)]
        sizes = []
        for size in SIZES if has_pictures else []:
            text = f"a{processor.image_token}b"
            sizes.append([size, len(processor(text=[text], images=[picture(size)], add_special_tokens=False)["input_ids"][0]) - 2])
        write(f"{folder}/expected.json", {"conversations": cases, "picture_tokens": sizes})
        if name == "qwen2_vl":
            old_layout(folder)


if __name__ == "__main__":
    main(sys.argv[1])
