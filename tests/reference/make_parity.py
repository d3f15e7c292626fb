"""Makes the models under tests/reference/parity/ and what `transformers` computes with them.

For each architecture a model of a few thousand random numbers in the layout of Hugging Face (config.json, model.safetensors), and
fixture.safetensors: `input_ids`, the pixels, `logits` of all tokens, and `greedy`, the 16 tokens that greedy generation adds.
Weights are f32, bf16 for one architecture and f16 for another (the reference computes with the rounded ones in f32); one is in
two shards. For each image processor its settings, and in expected_f16.safetensors the pixels that it makes of two pictures
(every 4th patch, every 8th pixel; `shape` is that of the whole).
Needs: pip install transformers==5.24.0 torch torchvision pillow numpy (no accelerator).
Usage: make_parity.py OUT
"""
import json
import os
import sys

import numpy as np
import torch
import transformers as t
from PIL import Image
from safetensors.torch import save_file

VOCABULARY, HIDDEN = 96, 32
IMAGE, VIDEO, START, END = 92, 93, 94, 95
NEW_TOKENS = 16
TEXT = dict(vocab_size=VOCABULARY, hidden_size=HIDDEN, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2)
COMMON = dict(bos_token_id=1, eos_token_id=2, pad_token_id=0)
GRIDS = [[1, 4, 6], [1, 8, 4]]


def tokens(count):
    return torch.randint(3, VOCABULARY - 10, (1, count))


def llama():
    # The scaling of Llama 3 within a context that the prompt goes beyond.
    rotary = dict(rope_type="llama3", rope_theta=10000.0, factor=4.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=16)
    config = t.LlamaConfig(**TEXT, **COMMON, tie_word_embeddings=True, attention_bias=True, mlp_bias=True, max_position_embeddings=64, rope_parameters=rotary)
    return t.LlamaForCausalLM(config), dict(input_ids=tokens(21))


def idefics(config, model, scale, tiles):
    side, patch = 32, 4
    vision = dict(hidden_size=24, intermediate_size=40, num_hidden_layers=2, num_attention_heads=2, image_size=side, patch_size=patch)
    text = dict(model_type="llama", **COMMON, **TEXT)
    made = model(config(vision_config=vision, text_config=text, scale_factor=scale, image_token_id=IMAGE, pad_token_id=0))
    count = (side // patch) ** 2 // scale**2
    parts = [tokens(3)]
    for _ in range(tiles):
        parts += [torch.full((1, count), IMAGE), tokens(2)]
    return made, dict(input_ids=torch.cat(parts, 1), pixel_values=torch.rand(1, tiles, 3, side, side) * 2 - 1)


def qwen(config, model, patch, vision, text):
    vision = dict(depth=3, num_heads=2, patch_size=patch, spatial_merge_size=2, temporal_patch_size=2) | vision
    rotary = dict(rope_type="default", rope_theta=10000.0, mrope_section=[1, 1, 2])
    text = TEXT | COMMON | dict(max_position_embeddings=128, rope_parameters=rotary) | text
    ids = dict(image_token_id=IMAGE, video_token_id=VIDEO, vision_start_token_id=START, vision_end_token_id=END)
    made = model(config(text_config=text, vision_config=vision, **ids))
    parts = [tokens(3)]
    for _, rows, columns in GRIDS:
        parts += [torch.tensor([[START]]), torch.full((1, rows * columns // 4), IMAGE), torch.tensor([[END]]), tokens(2)]
    input_ids = torch.cat(parts, 1)
    pixels = torch.randn(sum(rows * columns for _, rows, columns in GRIDS), 3 * 2 * patch * patch)
    return made, dict(input_ids=input_ids, pixel_values=pixels, image_grid_thw=torch.tensor(GRIDS), mm_token_type_ids=(input_ids == IMAGE).int())


MODELS = {
    "llama": llama,
    "smolvlm": lambda: idefics(t.SmolVLMConfig, t.SmolVLMForConditionalGeneration, 4, 2),
    "idefics3": lambda: idefics(t.Idefics3Config, t.Idefics3ForConditionalGeneration, 2, 1),
    "qwen2_vl": lambda: qwen(t.Qwen2VLConfig, t.Qwen2VLForConditionalGeneration, 4, dict(embed_dim=24, hidden_size=HIDDEN, mlp_ratio=2), {}),
    "qwen2_5_vl": lambda: qwen(
        t.Qwen2_5_VLConfig, t.Qwen2_5_VLForConditionalGeneration, 4,
        dict(hidden_size=24, out_hidden_size=HIDDEN, intermediate_size=40, window_size=16, fullatt_block_indexes=[1]), {}),
    "qwen3_vl": lambda: qwen(
        t.Qwen3VLConfig, t.Qwen3VLForConditionalGeneration, 4,
        dict(hidden_size=24, out_hidden_size=HIDDEN, intermediate_size=40, num_position_embeddings=25, deepstack_visual_indexes=[0, 2]), dict(head_dim=8)),
}
TYPES = {"smolvlm": torch.bfloat16, "idefics3": torch.float16}


def make_model(out, name):
    model, inputs = MODELS[name]()
    kind = TYPES.get(name, torch.float32)
    for key, parameter in model.named_parameters():
        # Initial weights are too even to tell right from wrong; where the head is tied, layers must drown the embeddings.
        layers = 0.5 if name == "llama" and "layers" in key else 0.18
        parameter.add_(torch.randn_like(parameter) * (0.2 if parameter.ndim == 1 else layers))
        parameter.copy_(parameter.to(kind))
    model.eval()
    logits = model(**inputs).logits
    greedy = model.generate(**inputs, do_sample=False, max_new_tokens=NEW_TOKENS, min_new_tokens=NEW_TOKENS)[:, inputs["input_ids"].shape[1]:]
    inputs.pop("mm_token_type_ids", None)
    tensors = {**inputs, "logits": logits, "greedy": greedy}
    # Last: it rounds tables that are computed, too.
    model.to(kind).save_pretrained(f"{out}/{name}", **({"max_shard_size": "40KB"} if name == "qwen2_vl" else {}))
    save_file({key: value.contiguous() for key, value in tensors.items()}, f"{out}/{name}/fixture.safetensors")
    os.remove(f"{out}/{name}/generation_config.json")
    print(name, tuple(logits.shape), f"{len(set(greedy[0].tolist()))} distinct tokens")


PROCESSORS = {
    "qwen2_vl": t.Qwen2VLImageProcessor(min_pixels=28 * 28 * 4, max_pixels=28 * 28 * 12),
    "smolvlm": t.SmolVLMImageProcessor(size={"longest_edge": 128}, max_image_size={"longest_edge": 64}),
    "idefics3": t.Idefics3ImageProcessor(size={"longest_edge": 100}, max_image_size={"longest_edge": 64}, do_image_splitting=False, resample=2, image_mean=[0.4, 0.5, 0.6]),
}


def make_processors(out):
    folder = f"{out}/processors"
    os.makedirs(folder, exist_ok=True)
    noise = np.random.default_rng(7)
    expected = {}
    for number, (width, height) in enumerate([(53, 31), (90, 150)]):
        y, x = np.mgrid[0:height, 0:width]
        waves = np.stack([127 + 110 * np.sin(x / 5), 127 + 120 * np.cos(y / 7 + x / 9), (x * 5 + y * 3) % 256], -1)
        picture = Image.fromarray(np.clip(waves + noise.normal(0, 5, waves.shape), 0, 255).astype("uint8"))
        picture.save(f"{folder}/{number}.png")
        for name, processor in PROCESSORS.items():
            made = processor(images=[picture], return_tensors="pt")
            pixels = made["pixel_values"]
            thinned = pixels[::4] if name == "qwen2_vl" else pixels[..., ::8, ::8]
            expected[f"{name}.{number}.pixel_values"] = thinned.half().contiguous()
            expected[f"{name}.{number}.shape"] = torch.tensor(pixels.shape)
            if "image_grid_thw" in made:
                expected[f"{name}.{number}.image_grid_thw"] = made["image_grid_thw"]
    save_file(expected, f"{folder}/expected_f16.safetensors")
    for name, processor in PROCESSORS.items():
        processor.save_pretrained(f"{folder}/{name}")
        with open(f"{folder}/{name}/config.json", "w", encoding="utf-8") as file:
            json.dump({"model_type": name}, file)
            file.write("\n")


def main(out):
    torch.manual_seed(5)
    torch.set_grad_enabled(False)
    for name in MODELS:
        make_model(out, name)
    make_processors(out)


if __name__ == "__main__":
    main(sys.argv[1])
