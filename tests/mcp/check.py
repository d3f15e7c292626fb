"""Replays steps whose tools are published MCP servers, over pipes and over HTTP on this machine.

Usage: check.py BINARY
Needs requirements.txt. Nothing is fetched, and nothing is left behind.
"""
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
STEPS = [
    ("t = convert_time('UTC', '12:00', 'Asia/Tokyo')\nprint('+9' in str(t))", "True"),
    ("print(objectlocation('cat', image_path='a.jpg')[0][1])", "2.5"),
    ("objectlocation('cat', 'a.txt')", "Error"),
    ("convert_time('UTC', 'noon', 'Asia/Tokyo')", "Error"),
]


def record():
    turns = [{"from": "system", "value": "You are an agent."}, {"from": "user", "value": "Task: What time is it?"}]
    for number, (code, observed) in enumerate(STEPS):
        turns.append({"from": "assistant", "value": f"Thought: t\nCode:\n```py\n{code}\n```"})
        turns.append({"from": "user", "value": f"[OUTPUT OF STEP {number}] Observation:\n{observed}"})
    return {"id": "a", "image": {}, "correct": "yes", "answer": "x", "conversations": turns, "traj_verification": "x"}


def wait_for(port):
    for _ in range(300):
        try:
            return socket.create_connection(("127.0.0.1", port), 0.2).close()
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the server does not listen")


def check(retake, port, place):
    environment = {**os.environ, "RETAKE_CONFIG_DIR": str(place / "config"), "RETAKE_CACHE_DIR": str(place / "cache")}

    def run(*arguments, code=0):
        ended = subprocess.run([retake, *arguments], cwd=place, env=environment, capture_output=True, text=True)
        assert ended.returncode == code, (arguments, ended.returncode, ended.stdout, ended.stderr)
        return ended

    def replayed():
        lines = run("replay", "--live", "--fresh", "--format", "json").stdout.splitlines()
        return [json.loads(line) for line in lines]

    (place / "runs.json").write_text(json.dumps([record()]))
    run("add", "runs.json")
    with open(place / ".retake" / "workspace.toml", "a") as file:
        file.write(
            f"""
[[mcp]]
name = "time"
command = [{json.dumps(sys.executable)}, "-m", "mcp_server_time"]

[[mcp]]
name = "boxes"
url = "http://127.0.0.1:{port}/mcp"
names = {{ objectlocation = "detect" }}
"""
        )
    refused = run("replay", "--live", code=1)
    assert "retake trust" in refused.stderr, refused.stderr
    run("trust")
    for suffix in ["", " (kept)"]:
        steps = replayed()
        verdicts = [step["verdict"] for step in steps]
        assert verdicts[:2] == ["match", "match"], steps
        providers = [step["calls"][0]["provider"] for step in steps]
        assert providers[:2] == [f"mcp:time{suffix}", f"mcp:boxes{suffix}"], providers
        assert "Error executing tool detect" in steps[2]["actual"], steps[2]
        # What failed is not kept, and asked for again.
        assert providers[2:] == ["mcp:boxes", "mcp:time"], providers
        assert "error" in steps[3]["calls"][0], steps[3]
    print(f"stdio and streamable HTTP: {verdicts}")


def main(binary):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    web = subprocess.Popen([sys.executable, HERE / "server.py", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(port)
        with tempfile.TemporaryDirectory(prefix="retake-mcp-") as place:
            check(Path(binary).resolve(), port, Path(place))
    finally:
        web.terminate()
        web.wait()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
