"""The command line: parse, call, print; nothing else."""

from penchant.cli.app import app, main

__all__ = ["app", "main"]
