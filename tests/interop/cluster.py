"""Runs the gristmill binary: one command to its end, or a cluster until it is interrupted. Every wait has a deadline."""

import collections
import os
import pathlib
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request


class Failed(Exception):
    """What the binary did that it must not do, with the end of its log."""


def free_ports(count: int) -> list[int]:
    """Loopback ports that were free a moment ago, all different."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def run(binary: pathlib.Path, arguments: list[str], folder: pathlib.Path, deadline_s: float) -> str:
    """Runs one command to its end in `folder`; gives its stdout. Any exit code but 0 is an error."""
    done = subprocess.run([binary, *arguments], cwd=folder, capture_output=True, text=True, timeout=deadline_s)
    if done.returncode != 0:
        raise Failed(f"gristmill {' '.join(arguments)}: exit code {done.returncode}\n{done.stderr}")
    return done.stdout


class Cluster:
    """A cluster on loopback as child processes of one process, which is what SIGINT goes to."""

    def __init__(self, binary: pathlib.Path, executors: int, folder: pathlib.Path, deadline_s: float):
        self.flight_port, self.http_port = free_ports(2)
        self.deadline_s = deadline_s
        self.log = collections.deque(maxlen=200)
        ports = ["--flight-port", str(self.flight_port), "--http-port", str(self.http_port)]
        self.process = subprocess.Popen(
            [binary, "cluster", "--executors", str(executors), *ports],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            # A group of its own: a Ctrl-C at the terminal reaches this script alone, which then stops the cluster.
            start_new_session=True,
        )
        self.reader = threading.Thread(target=self._drain, daemon=True)
        self.reader.start()

    def _drain(self) -> None:
        for line in self.process.stdout:
            self.log.append(line.rstrip("\n"))

    def __enter__(self) -> "Cluster":
        return self

    def __exit__(self, *_) -> None:
        """The last resort: an interrupt, and a kill of the whole cluster when that is ignored."""
        if self.process.poll() is None:
            try:
                self.interrupt()
            except Failed:
                pass

    def wait_ready(self) -> None:
        """Returns once /readyz answers 200."""
        url = f"http://127.0.0.1:{self.http_port}/readyz"
        answer = "no answer"
        limit = time.monotonic() + self.deadline_s
        while time.monotonic() < limit:
            if self.process.poll() is not None:
                raise Failed(f"the cluster ended with exit code {self.process.returncode} before it was ready")
            try:
                with urllib.request.urlopen(url, timeout=1) as response:
                    if response.status == 200:
                        return
                    answer = f"status {response.status}"
            except urllib.error.HTTPError as error:
                answer = f"status {error.code}: {error.read(200).decode(errors='replace')}"
            except OSError as error:
                answer = str(error)
            time.sleep(0.05)
        raise Failed(f"{url} was not ready after {self.deadline_s:g} s: {answer}")

    def interrupt(self) -> int:
        """Sends SIGINT; gives the exit code. A cluster that does not end is killed and counts as failed."""
        self.process.send_signal(signal.SIGINT)
        try:
            code = self.process.wait(self.deadline_s)
        except subprocess.TimeoutExpired:
            self._kill_group()
            raise Failed(f"the cluster still ran {self.deadline_s:g} s after SIGINT") from None
        # stdout closes when the last child that inherited it is gone.
        self.reader.join(self.deadline_s)
        if self.reader.is_alive():
            self._kill_group()
            raise Failed("the cluster ended and left child processes behind")
        return code

    def _kill_group(self) -> None:
        try:
            # The group was made for this cluster: nothing else is in it.
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
