"""Makes exports with the binary: of the demo corpus, with its pictures, and of conversations with tools and without pictures."""
import json
import shutil
import subprocess
from pathlib import Path

DEMO = Path(__file__).resolve().parents[2] / "assets/demo"

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": name,
            "description": f"Looks for {what}.",
            "parameters": {"type": "object", "properties": {what: {"type": "string"}}, "required": [what]},
        },
    }
    for name, what in [("find_ferry", "harbour"), ("find_price", "ticket")]
]


def conversation(number):
    """A run that calls tools, in the form of OpenAI's chat messages."""

    def call(place, name, arguments):
        function = {"name": name, "arguments": json.dumps(arguments)}
        return {"id": f"c{number}-{place}", "type": "function", "function": function}

    return {
        "id": f"ferry-{number}",
        "tools": TOOLS,
        "messages": [
            {"role": "system", "content": "You answer questions about ferries."},
            {"role": "user", "content": f"What does the ferry number {number} cost?"},
            {"role": "assistant", "content": "First the harbour.", "tool_calls": [call(1, "find_ferry", {"harbour": "north"})]},
            {"role": "tool", "tool_call_id": f"c{number}-1", "content": f"It leaves at {number}:30."},
            {"role": "assistant", "content": "Now its price.", "tool_calls": [call(2, "find_price", {"ticket": "adult"})]},
            {"role": "tool", "tool_call_id": f"c{number}-2", "content": "4 crowns"},
            {"role": "assistant", "content": f"It costs {number * 4} crowns."},
        ],
    }


class Exports:
    """A workspace, and a folder of what was exported from it."""

    def __init__(self, binary, folder):
        self.binary = str(Path(binary).resolve())
        self.workspace = folder / "workspace"
        self.folder = folder / "exports"
        self.folder.mkdir(parents=True)
        corpus = self.workspace / "corpus"
        shutil.copytree(DEMO, corpus)
        lines = [json.dumps(conversation(number)) for number in range(1, 5)]
        (corpus / "ferries.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
        files = ["corpus/trajectories.json", "corpus/pairs.json", "corpus/ferries.jsonl"]
        self.run("add", *files, "--images", "corpus")
        for value, step in [("good", 1), ("bad", 2)]:
            query = "source:trajectories in:trajectory"
            self.run("review", "label", "--query", query, "--step", str(step), "--value", value)
        for place, reply in enumerate(["It costs 3 crowns.", "I do not know."], 1):
            text = json.dumps({"thought": reply})
            self.run("pair", "new", f"ferries/ferry-{place}", "--step", "3", "--chosen", "step", "--rejected", f"text:{text}")

    def run(self, *arguments, codes=(0,)):
        """Runs the binary in the workspace."""
        command = [self.binary, *arguments]
        ended = subprocess.run(command, cwd=self.workspace, capture_output=True, text=True)
        assert ended.returncode in codes, f"{command} ended with {ended.returncode}\n{ended.stdout}{ended.stderr}"
        return ended.stdout

    def export(self, target, query, name, *options):
        """A file of the rows of a query. Rows that the trainer would not take are left out (exit code 3)."""
        path = self.folder / name
        self.run("export", target, query, "-o", str(path), *options, codes=(0, 3))
        rows = json.loads((self.folder / f"{name}.manifest.json").read_text(encoding="utf-8"))["files"][0]["rows"]
        assert rows, f"{target} {query} gave no rows"
        return path
