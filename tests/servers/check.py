"""Starts llama-cpp-python's server with a GGUF model and runs the client's test against it. Usage: check.py MODEL.gguf [TEST BINARY]"""

import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

LONGEST_START = 120  # seconds


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_for(url: str, key: str, server: subprocess.Popen) -> None:
    request = urllib.request.Request(f"{url}/models", headers={"Authorization": f"Bearer {key}"})
    until = time.monotonic() + LONGEST_START
    while time.monotonic() < until:
        if server.poll() is not None:
            sys.exit(f"the server ended with {server.returncode}")
        try:
            with urllib.request.urlopen(request, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.3)
    sys.exit(f"the server did not come up in {LONGEST_START} s")


def main() -> int:
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    model = os.path.abspath(sys.argv[1])
    package = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    port, key = free_port(), secrets.token_hex(16)
    url = f"http://127.0.0.1:{port}/v1"
    arguments = ["--model", model, "--host", "127.0.0.1", "--port", str(port), "--api_key", key, "--n_ctx", "1024", "--n_threads", "2"]
    with tempfile.NamedTemporaryFile("w+", suffix=".log") as log:
        server = subprocess.Popen([sys.executable, "-m", "llama_cpp.server", *arguments], stdout=log, stderr=log)
        try:
            wait_for(url, key, server)
            test = sys.argv[2:] or ["cargo", "test", "--release", "--test", "it", "--"]
            environment = os.environ | {"RETAKE_OTHER_SERVER": url, "RETAKE_OTHER_KEY": key}
            ended = subprocess.run([*test, "--ignored", "--nocapture", "other_servers"], cwd=package, env=environment)
            if ended.returncode or server.poll() is not None:
                log.seek(0)
                sys.stderr.write("".join(log.readlines()[-40:]))
            return ended.returncode or int(server.poll() is not None)
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    sys.exit(main())
