"""A Python for commands of tests in which the large libraries are loaded already.

A command of intentflow that trains or scores loads torch, transformers and scikit-learn first,
which takes 5 to 16 seconds of a CPU; a run of the graph does it in four of its steps. Tests of
graphs, of the documentation and of journeys start hundreds of such commands. :func:`warm_python`
gives a program that takes the place of ``python`` there: it asks a server, which holds these
libraries and modules of intentflow, to fork itself and to run the command in that process, with the
caller's arguments, environment, folder, standard streams, signals and exit status.

Only intentflow's commands and the steps of kfp's runner run so; all else, and what compiles graphs,
runs in the real interpreter. So do the tests of what depends on the start of a process: imports
that are missing (``tests/packaging``), Ctrl-C in its first tenth of a second (``tests/cli``), peak
memory (``tests/conversion``), a complete run (``tests/pipeline/test_interrupting.py``).
"""

from __future__ import annotations

import atexit
import functools
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.real_parts.process import end

_ROOT = Path(__file__).parents[2]


@functools.cache
def warm_python() -> str:
    """Path of the program, whose server is started with the first call, and ends with the caller.

    Returns:
        An executable file, to be called as ``python`` is.

    Raises:
        RuntimeError: The server did not start.
    """
    scratch = tempfile.TemporaryDirectory(prefix="warm-python-")
    folder = Path(scratch.name)
    program, client = folder / "python", Path(__file__).with_name("client.py")
    given = f"{client} {program} {folder}/socket {sys.executable}"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S {given} "$@"\n')
    program.chmod(0o755)
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.warm_python.server", f"{folder}/socket", str(program)],
        cwd=_ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"},
        stdin=subprocess.PIPE,  # the server ends when nobody holds the other end any more
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    atexit.register(scratch.cleanup)
    atexit.register(end, server)
    assert server.stdout is not None
    if server.stdout.readline() != b"ready\n":
        raise RuntimeError(f"the server of the loaded Python ended with {server.wait(10)}")
    return str(program)


def intentflow_program(folder: Path) -> Path:
    """A program ``intentflow`` in a folder that is made for it, to be put on the path."""
    folder.mkdir()
    program = folder / "intentflow"
    program.write_text(f'#!/bin/sh\nexec {warm_python()} -m intentflow.cli.main "$@"\n')
    program.chmod(0o755)
    return program
