"""Run every check: format, lint, types, import layers, sizes, tests.

`--fix` repairs format and lint. Tests run in parallel over the cores. Arguments after `--` go to
pytest: `python tools/check.py -- -k cut`.
"""

from __future__ import annotations

import argparse
import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CODE = ["qwen_audio_agent", "tools", "tests", "examples"]
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60


def oversized() -> Iterator[str]:
    """Files and functions beyond the sizes that DESIGN sets for a readable code base."""
    for folder in CODE:
        for path in sorted((ROOT / folder).rglob("*.py")):
            source = path.read_text(encoding="utf-8")
            name = path.relative_to(ROOT)
            if (lines := source.count("\n")) > MAX_FILE_LINES:
                yield f"{name}: {lines} lines, {MAX_FILE_LINES} at most"
            for node in ast.walk(ast.parse(source)):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    length = (node.end_lineno or node.lineno) - node.lineno + 1
                    if length > MAX_FUNCTION_LINES:
                        limit = f"{MAX_FUNCTION_LINES} at most"
                        yield f"{name}:{node.lineno} {node.name}: {length} lines, {limit}"


def run(title: str, *command: str) -> bool:
    """Run one check from the root of the repository; whether it passed."""
    print(f"\n== {title}", flush=True)
    return subprocess.run([sys.executable, "-m", *command], cwd=ROOT, check=False).returncode == 0


def lint_imports() -> bool:
    """import-linter has no `-m` entry; its console script is a function."""
    print("\n== import layers", flush=True)
    code = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def main(argv: list[str] | None = None) -> int:
    """Exit status 0 when every check passes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fix", action="store_true", help="repair format and lint where possible")
    parser.add_argument("--no-tests", action="store_true", help="static checks only")
    parser.add_argument("pytest", nargs="*", help="arguments for pytest, after --")
    arguments = parser.parse_args(argv)

    check = [] if arguments.fix else ["--check"]
    passed = [
        run("format", "ruff", "format", *check, *CODE),
        run("lint", "ruff", "check", *(["--fix"] if arguments.fix else []), *CODE),
        run("types", "mypy"),
        lint_imports(),
    ]
    print("\n== sizes", flush=True)
    passed.append(not (long := list(oversized())))
    print("\n".join(long) or "all within the limits")
    if not arguments.no_tests:
        how = ["-n", "auto", "--dist", "worksteal"]
        passed.append(run("tests", "pytest", *how, *arguments.pytest))
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main())
