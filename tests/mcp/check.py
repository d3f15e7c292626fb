"""Replays steps whose tools are MCP servers of PyPI: `check.py RETAKE [VENV]`."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

HERE = Path(__file__).parent


def prepared(folder):
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
    install = [python, "-m", "pip", "install", "--quiet", "-r", HERE / "requirements.txt"]
    if subprocess.run(install).returncode:
        sys.exit("skipped: the servers can't be installed")
    return python


def step(code):
    return {"from": "assistant", "value": f"Thought: t\nCode:\n```py\n{code}\n```"}


def record(steps):
    turns = [
        {"from": "system", "value": "You are an agent."},
        {"from": "user", "value": "Task: What time is it?"},
    ]
    for number, (code, observed) in enumerate(steps):
        turns.append(step(code))
        turns.append({"from": "user", "value": f"[OUTPUT OF STEP {number}] Observation:\n{observed}"})
    return {"id": "a", "image": {}, "correct": "yes", "answer": "x", "conversations": turns, "traj_verification": "x"}


def main():
    retake = Path(sys.argv[1]).resolve()
    folder = Path(sys.argv[2] if len(sys.argv) > 2 else Path.home() / ".cache" / "retake-mcp-venv")
    python = prepared(folder)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    web = subprocess.Popen([python, HERE / "server.py", str(port)], stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port), 0.2).close()
                break
            except OSError:
                time.sleep(0.1)
        with tempfile.TemporaryDirectory() as place:
            check(retake, python, port, Path(place))
    finally:
        web.terminate()
        web.wait()
    print("passed")


def check(retake, python, port, place):
    environment = {**os.environ, "RETAKE_CONFIG_DIR": str(place / "config"), "RETAKE_CACHE_DIR": str(place / "cache")}

    def run(*arguments, code=0):
        ended = subprocess.run([retake, *arguments], cwd=place, env=environment, capture_output=True, text=True)
        assert ended.returncode == code, (arguments, ended.returncode, ended.stdout, ended.stderr)
        return ended

    time_call = "convert_time('UTC', '12:00', 'Asia/Tokyo')"
    steps = [
        (f"t = {time_call}\nprint('+9' in str(t))", "True"),
        ("print(objectlocation('cat', image_path='a.jpg')[0][1])", "2.5"),
        ("objectlocation('cat', 'a.txt')", "Error"),
    ]
    (place / "runs.json").write_text(json.dumps([record(steps)]))
    run("add", "runs.json")
    declared = f"""
[[mcp]]
name = "time"
command = [{json.dumps(str(python))}, "-m", "mcp_server_time"]

[[mcp]]
name = "boxes"
url = "http://127.0.0.1:{port}/mcp"
names = {{ objectlocation = "detect" }}
"""
    with open(place / ".retake" / "workspace.toml", "a") as file:
        file.write(declared)
    refused = run("replay", "--live", code=1)
    assert "retake trust" in refused.stderr, refused.stderr
    run("trust")
    for label in ["mcp:time", "mcp:time (kept)"]:
        ended = run("replay", "--live", "--fresh", "--format", "json")
        replayed = [json.loads(line) for line in ended.stdout.splitlines()]
        verdicts = [step["verdict"] for step in replayed]
        assert verdicts[:2] == ["match", "match"], (verdicts, ended.stdout, ended.stderr)
        assert replayed[0]["calls"][0]["provider"] == label, replayed[0]["calls"]
        assert "no picture: a.txt" in replayed[2]["actual"], replayed[2]
    without = run("replay", "--fresh", "--format", "json")
    verdict = json.loads(without.stdout.splitlines()[0])["verdict"]
    assert verdict == "tool-result-unknown" or "NameError" in without.stdout, without.stdout


main()
