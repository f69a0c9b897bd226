"""Runs a command that works on graphs in the real interpreter, its steps in the loaded Python.

kfp looks at the source of each component, for which ``inspect`` goes through all modules that are
loaded: with torch and transformers among them, compiling takes ten times as long.
"""

import runpy
import sys

_, program, *arguments = sys.argv
sys.executable = program
sys.argv = arguments
runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)
