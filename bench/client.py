"""Single requests: answers to be compared, and the moment at which the first one is right."""

import http.client
import socket
import time


class Answer:
    """One answer as it came over the wire."""

    def __init__(self, status, headers, body, wire_bytes):
        self.status = status
        self.headers = headers
        self.body = body
        self.wire_bytes = wire_bytes


def fetch(port, path, headers=(), method="GET", timeout=30):
    """One request on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request(method, path, headers={"Accept-Encoding": "identity", **dict(headers)})
        response = connection.getresponse()
        body = response.read()
        head = sum(len(name) + len(value) + 4 for name, value in response.getheaders())
        status_line = len(f"HTTP/1.1 {response.status} {response.reason}\r\n\r\n")
        names = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, names, body, status_line + head + 2 + len(body))
    finally:
        connection.close()


def wait_for(port, path, process, seconds=120):
    """Asks every millisecond until the answer is 200; the answer, and the time when it was there."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise SystemExit(f"the server on port {port} ended with status {process.returncode}")
        try:
            answer = fetch(port, path)
            if answer.status == 200:
                return answer, time.monotonic()
        except (OSError, http.client.HTTPException):
            pass
        time.sleep(0.001)
    raise SystemExit(f"nothing answered on port {port} within {seconds} s")


def free_port():
    """A port that nobody listens at just now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
