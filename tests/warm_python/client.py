"""The program in the place of ``python``: passes a command to the server, or to the interpreter.

Its imports are few, since it is started with every command.
"""

import os
import signal
import socket
import sys

_COMMANDS = "intentflow.cli.main"
_MODULES = (_COMMANDS, "kfp.dsl.executor_main")
_OF_GRAPHS = ("run", "compile", "submit")
_PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main() -> int:
    """Run the command; returns its exit status."""
    program, path, interpreter, *arguments = sys.argv[1:]
    if arguments[:1] != ["-m"] or arguments[1] not in _MODULES:
        os.execv(interpreter, [interpreter, *arguments])
    if arguments[1] == _COMMANDS and arguments[2:3] and arguments[2] in _OF_GRAPHS:
        graphs = f"{__file__.removesuffix('client.py')}graphs.py"
        os.execv(interpreter, [interpreter, "-P", graphs, program, *arguments[1:]])
    signal.pthread_sigmask(signal.SIG_BLOCK, _PASSED_ON)  # until there is a process to pass it on
    with socket.socket(socket.AF_UNIX) as server:
        server.connect(path)
        environment = [f"{name}={value}" for name, value in os.environ.items()]
        folder = os.getcwd()  # noqa: PTH109  # pathlib takes longer to import than all else here
        parts = (folder, str(len(environment)), *environment, *arguments[1:])
        request = "\0".join(parts).encode("utf-8", "surrogateescape")
        socket.send_fds(server, [len(request).to_bytes(8, "big")], [0, 1, 2])
        server.sendall(request)
        pid = int.from_bytes(_received(server, 8), "big")
        for number in _PASSED_ON:
            signal.signal(number, lambda received, _: _pass_on(pid, received))
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _PASSED_ON)
        status = int.from_bytes(_received(server, 8), "big")
    if os.WIFSIGNALED(status):
        signal.signal(os.WTERMSIG(status), signal.SIG_DFL)
        os.kill(os.getpid(), os.WTERMSIG(status))
    return os.waitstatus_to_exitcode(status)


def _pass_on(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return  # it has ended meanwhile


def _received(server: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = server.recv(count - len(data))
        if not more:
            raise SystemExit("the server of the loaded Python has ended")
        data += more
    return data


sys.exit(main())
