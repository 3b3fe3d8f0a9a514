# Two commands do everything on a fresh machine with Python 3.11 or later:
#   make demo   the main job on the recording that ships with the repo, with the light install
#   make test   everything installed (PyTorch's CPU build), then all checks
# `make demo AUDIO=talk.wav SAY='Cut "you know"'` does the same on your own recording.

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
AUDIO ?= examples/interview.flac
SAY ?= Cut "with the old wooden gate" and the first "the roses", remove the fillers, cap the pauses at 0.6 seconds, then take the noise out

.PHONY: demo test check clean

demo: .venv/light
	@rm -rf demo && mkdir demo
	$(BIN)/qwen-audio-agent edit '$(AUDIO)' '$(SAY)' -o demo/clean.flac --session demo/clean.session

test: .venv/full
	$(BIN)/python tools/check.py

check: test

.venv/light: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(PIP) install --constraint constraints.txt --editable .
	@touch $@

.venv/full: .venv/light
	$(PIP) install --constraint constraints.txt --editable '.[dev]'
	@touch $@

clean:
	rm -rf .venv demo build dist
