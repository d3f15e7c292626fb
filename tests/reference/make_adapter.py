"""Makes tests/reference/adapter/: a LoRA adapter for the model in tests/reference/runnable/text, as PEFT saves it, and what comes out with it.

Attention and the gate have rank 3, `down_proj` a rank and an alpha of its own by patterns, token embeddings are changed, too.
Needs: pip install peft==0.18.1 transformers torch (no accelerator).
Usage: make_adapter.py REFERENCE_FOLDER
"""
import json
import sys

import torch
import transformers as t
from peft import LoraConfig, get_peft_model


def main(folder):
    torch.manual_seed(4)
    model = t.AutoModelForCausalLM.from_pretrained(f"{folder}/runnable/text", dtype=torch.float32)
    config = LoraConfig(
        r=3, lora_alpha=6, target_modules=["q_proj", "v_proj", "gate_proj", "down_proj", "embed_tokens"], rank_pattern={"layers.1.mlp.down_proj": 2},
        alpha_pattern={"down_proj": 5}, lora_dropout=0.0, bias="none", task_type="CAUSAL_LM",
    )
    model = get_peft_model(model, config).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora" in name:
                parameter.copy_(torch.randn_like(parameter) * 0.3)
        case = json.load(open(f"{folder}/runnable/text/expected.json", encoding="utf-8"))[0]
        prompt = torch.tensor([case["prompt"]])
        greedy = model.generate(input_ids=prompt, do_sample=False, max_new_tokens=20, min_new_tokens=20)[0, prompt.shape[1]:].tolist()
    model.save_pretrained(f"{folder}/adapter", save_embedding_layers=False)
    with open(f"{folder}/adapter/expected.json", "w", encoding="utf-8") as file:
        json.dump({"prompt": case["prompt"], "greedy": greedy}, file)
        file.write("\n")
    print(len(set(greedy)), greedy != case["greedy"])


if __name__ == "__main__":
    main(sys.argv[1])
