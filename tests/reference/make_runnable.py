"""Makes the models under tests/reference/runnable/: random weights with everything that a chat needs, and what `transformers` answers.

The tokenizers, templates and image processors are those of make_model_folders.py; weights are a few thousand random numbers. In
expected.json are conversations with the prompt's tokens and the 20 tokens that greedy generation adds; their pictures lie beside it.
Needs: pip install transformers==5.24.0 torch torchvision pillow numpy num2words (no accelerator).
Usage: make_runnable.py OUT
"""
import json
import os
import sys

import numpy as np
import torch
import transformers as t
from PIL import Image

import make_model_folders as folders

NEW_TOKENS = 20
TEXT = dict(hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=512)


def picture(number, width, height):
    y, x = np.mgrid[0:height, 0:width]
    waves = np.stack([127 + 100 * np.sin(x / (6 + number)), (x * 4 + y * 2) % 256, 127 + 120 * np.cos(y / 8)], -1)
    return Image.fromarray(waves.astype("uint8"))


def text_tokenizer():
    tokenizer = folders.fast(folders.byte_level(["<|endoftext|>", "<|im_start|>", "<|im_end|>"]), "<|im_end|>")
    tokenizer.chat_template = folders.CHATML
    return tokenizer


def text_model(tokenizer):
    config = t.LlamaConfig(vocab_size=len(tokenizer), **TEXT, tie_word_embeddings=False, eos_token_id=tokenizer.eos_token_id, pad_token_id=0, bos_token_id=None)
    return t.LlamaForCausalLM(config)


def qwen_model(processor):
    tokenizer = processor.tokenizer
    token = tokenizer.convert_tokens_to_ids
    text = dict(TEXT, vocab_size=len(tokenizer), eos_token_id=tokenizer.eos_token_id, pad_token_id=0,
                rope_parameters=dict(rope_type="default", rope_theta=10000.0, mrope_section=[1, 1, 2]))
    vision = dict(depth=1, embed_dim=16, num_heads=2, mlp_ratio=2, hidden_size=32, patch_size=14)
    ids = dict(image_token_id=token("<|image_pad|>"), video_token_id=token("<|video_pad|>"), vision_start_token_id=token("<|vision_start|>"), vision_end_token_id=token("<|vision_end|>"))
    return t.Qwen2VLForConditionalGeneration(t.Qwen2VLConfig(text_config=text, vision_config=vision, **ids))


def smolvlm_model(processor):
    tokenizer = processor.tokenizer
    text = dict(TEXT, model_type="llama", vocab_size=len(tokenizer), eos_token_id=tokenizer.eos_token_id, pad_token_id=0)
    vision = dict(hidden_size=16, intermediate_size=24, num_hidden_layers=1, num_attention_heads=2, image_size=128, patch_size=16)
    config = t.SmolVLMConfig(vision_config=vision, text_config=text, scale_factor=4, image_token_id=tokenizer.convert_tokens_to_ids("<image>"), pad_token_id=0)
    return t.SmolVLMForConditionalGeneration(config)


def message(role, *parts):
    return {"role": role, "content": list(parts)}


# A number stands for a picture.
PLAIN = [[message("user", "Where does the ferry leave?")], [message("system", "Be brief."), message("user", "naïve 東京 🙂"), message("assistant", "17."), message("user", "and `print(1)`?")]]
SEEING = PLAIN + [[message("user", 0, "How many boats?")], [message("user", "One", 0, "and two", 1, "."), message("assistant", "Two."), message("user", "Which is red?")]]
PICTURES = [picture(0, 70, 50), picture(1, 40, 120)]


def answer(model, processor, messages):
    def content(part):
        return {"type": "image"} if isinstance(part, int) else {"type": "text", "text": part}

    pictures = [PICTURES[part] for message in messages for part in message["content"] if isinstance(part, int)]
    whole = [part for message in messages for part in message["content"]]
    in_parts = any(isinstance(part, int) for part in whole)
    chat = [{**m, "content": [content(part) for part in m["content"]] if in_parts else "".join(m["content"])} for m in messages]
    text = processor.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
    if hasattr(processor, "image_processor"):
        inputs = processor(text=[text], images=[pictures] if pictures else None, return_tensors="pt")
    else:
        inputs = processor([text], return_tensors="pt", add_special_tokens=False)
    inputs.pop("token_type_ids", None)
    count = inputs["input_ids"].shape[1]
    new = model.generate(**inputs, do_sample=False, max_new_tokens=NEW_TOKENS, min_new_tokens=NEW_TOKENS)[0, count:].tolist()
    tokenizer = getattr(processor, "tokenizer", processor)
    return {"messages": messages, "prompt": inputs["input_ids"][0].tolist(), "greedy": new, "text": tokenizer.decode(new, skip_special_tokens=True)}


def make(out, name, processor, model, conversations):
    for key, parameter in model.named_parameters():
        parameter.add_(torch.randn_like(parameter) * (0.2 if parameter.ndim == 1 else 0.25))
    model.eval()
    folder = f"{out}/{name}"
    processor.save_pretrained(folder)
    model.save_pretrained(folder)
    answers = [answer(model, processor, conversation) for conversation in conversations]
    folders.write(f"{folder}/expected.json", answers)
    for number, shown in enumerate(PICTURES if name != "text" else []):
        shown.save(f"{folder}/{number}.png")
    print(name, [len(set(a["greedy"])) for a in answers], [len(a["prompt"]) for a in answers])


def main(out):
    torch.manual_seed(3)
    torch.set_grad_enabled(False)
    os.makedirs(out, exist_ok=True)
    tokenizer = text_tokenizer()
    make(out, "text", tokenizer, text_model(tokenizer), PLAIN)
    for name, model in [("qwen2_vl", qwen_model), ("smolvlm", smolvlm_model)]:
        processor = folders.make(name)
        make(out, name, processor, model(processor), SEEING)


if __name__ == "__main__":
    main(sys.argv[1])
