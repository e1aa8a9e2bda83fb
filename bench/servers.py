"""The servers that are compared: this one, nginx, and the released reference under uvicorn."""

import os
import signal
import subprocess
import time
from pathlib import Path

import client
import memory
from dataset import WORKSPACE

BINARY = WORKSPACE / "target" / "release" / "horde-model-reference"
PYTHON = WORKSPACE / ".venv-bench" / "bin" / "python"
CATEGORY = "/api/model_references/v2/image_generation"
WORKERS = 2


class Server:
    """A process under measurement. `name` is its column in the report."""

    def __init__(self, name, argv, port, home, environment=(), cwd=None):
        self.name = name
        self.argv = [str(part) for part in argv]
        self.port = port
        self.log = Path(home) / f"{name.replace(' ', '-').replace(',', '')}-{port}.log"
        kept = ("PATH", "HOME", "LANG")
        self.environment = {key: os.environ[key] for key in kept if key in os.environ}
        self.environment.update(environment)
        self.cwd = cwd or home
        self.process = None

    def start(self):
        """Starts it; seconds until the first 200, and that answer."""
        with open(self.log, "wb") as log:
            begun = time.monotonic()
            self.process = subprocess.Popen(
                self.argv,
                env=self.environment,
                cwd=self.cwd,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        answer, at = client.wait_for(self.port, CATEGORY, self.process)
        return at - begun, answer

    def stop(self):
        """Asks it to end, and ends it if it does not."""
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            # It leads a process group of its own.
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.process = None

    def memory(self):
        """What it and its children keep in memory."""
        return memory.of_tree(self.process.pid)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()


def ours(home, name="ours", access_log=False):
    """This server on the cache home `home`."""
    port = client.free_port()
    argv = [BINARY, "serve", "--host", "127.0.0.1", "--port", port, "--data", home]
    environment = {
        "HORDE_MODEL_REFERENCE_ACCESS_LOG": str(access_log).lower(),
        "HORDE_MODEL_REFERENCE_WORKER_THREADS": str(WORKERS),
    }
    return Server(name, argv, port, home, environment)


def reference(home, workers):
    """The released reference, a PRIMARY on `home`, its logs turned down as far as they go."""
    port = client.free_port()
    argv = [
        PYTHON, "-m", "uvicorn", "horde_model_reference.service.app:app",
        "--host", "127.0.0.1", "--port", port, "--workers", workers,
        "--no-access-log", "--log-level", "warning",
    ]  # fmt: skip
    environment = {
        "AIWORKER_CACHE_HOME": str(home),
        "HORDE_MODEL_REFERENCE_REPLICATE_MODE": "PRIMARY",
        "HORDE_MODEL_REFERENCE_CANONICAL_FORMAT": "v2",
        "LOGURU_LEVEL": "WARNING",
        "PYTHONWARNINGS": "ignore",
    }
    words = "worker" if workers == 1 else "workers"
    return Server(f"reference, {workers} {words}", argv, port, home, environment)


NGINX = """
daemon off;
worker_processes {workers};
pid {home}/nginx-{port}.pid;
error_log {home}/nginx-{port}-error.log warn;
events {{ worker_connections 4096; }}
http {{
    default_type application/json;
    sendfile on;
    tcp_nopush on;
    tcp_nodelay on;
    open_file_cache max=1000 inactive=1h;
    open_file_cache_valid 1h;
    keepalive_requests 1000000000;
    keepalive_timeout 75s;
    access_log {access_log};
    gzip_static on;
    gzip_vary on;
    client_body_temp_path {home}/body;
    proxy_temp_path {home}/proxy;
    fastcgi_temp_path {home}/fastcgi;
    uwsgi_temp_path {home}/uwsgi;
    scgi_temp_path {home}/scgi;
    server {{
        listen 127.0.0.1:{port}{reuse_port};
{locations}
    }}
}}
"""


def nginx(home, files, name="nginx", access_log=False, reuse_port=False):
    """nginx answering each path of `files` with the file named; a `.gz` beside it goes to those who
    accept it."""
    port = client.free_port()
    locations = "\n".join(
        f"        location = {path} {{ alias {file}; }}" for path, file in files.items()
    )
    config = Path(home) / f"nginx-{port}.conf"
    config.write_text(
        NGINX.format(
            workers=WORKERS,
            home=home,
            port=port,
            access_log=f"{home}/nginx-{port}-access.log" if access_log else "off",
            reuse_port=" reuseport" if reuse_port else "",
            locations=locations,
        )
    )
    argv = ["nginx", "-p", home, "-c", config]
    return Server(name, argv, port, home)
