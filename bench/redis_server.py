"""A Redis server of our own that can be stopped where it stands or killed, and a relay in front of it
that can swallow everything."""

import signal
import socket
import subprocess
import threading
import time

import client


class RedisServer:
    """A process that keeps nothing on disk."""

    def __init__(self):
        self.port = client.free_port()
        self.process = None

    def start(self):
        argv = ["redis-server", "--bind", "127.0.0.1", "--port", str(self.port)]
        argv += ["--save", "", "--appendonly", "no"]
        self.process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: self.ask("PING") == "PONG", "the Redis server answers")
        return self

    def ask(self, *words):
        """The answer as text, as `redis-cli` tells it."""
        argv = ["redis-cli", "-p", str(self.port), *words]
        return subprocess.run(argv, capture_output=True, text=True, check=False).stdout.strip()

    def info(self, section):
        lines = (line.partition(":") for line in self.ask("INFO", section).splitlines())
        return {name: value.strip() for name, colon, value in lines if colon}

    def listeners(self):
        """How many processes of ours are told of changes."""
        return int(self.ask("PUBSUB", "NUMSUB", "horde:model_ref:coh:changes").split()[-1])

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def kill(self):
        """Also where it was paused, or is gone already."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.kill()


class Relay:
    """Passes bytes on until it is told to swallow them; connections stay open, and new ones are taken."""

    def __init__(self, target):
        self.target = target
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.swallows = threading.Event()
        # They end with the process: in a black hole nobody tells them anything.
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            near, _ = self.listener.accept()
            far = socket.create_connection(("127.0.0.1", self.target))
            for pair in ((near, far), (far, near)):
                threading.Thread(target=self.pass_on, args=pair, daemon=True).start()

    def pass_on(self, come, go):
        try:
            while got := come.recv(1 << 16):
                if self.swallows.is_set():
                    continue
                go.sendall(got)
        except OSError:
            pass
        if not self.swallows.is_set():
            # What is only closed here would stay open for as long as the other thread reads.
            for end in (come, go):
                end.close()


def wait_until(is_so, what, seconds=30):
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            raise SystemExit(f"in vain: {what}")
        time.sleep(0.02)


def environment(port):
    """What a server of ours is told, to share through the Redis at that port."""
    return {
        "HORDE_MODEL_REFERENCE_REPLICATE_MODE": "PRIMARY",
        "HORDE_MODEL_REFERENCE_REDIS__USE_REDIS": "true",
        "HORDE_MODEL_REFERENCE_REDIS__URL": f"redis://127.0.0.1:{port}/0",
    }

