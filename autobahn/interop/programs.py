"""The programs that a test starts: built, started on free ports, stopped by their process ids."""

import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
TARGET = os.path.join(os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target")), "release")


class Skipped(Exception):
    """Something that this needs is not there."""


def build():
    """Whether everything builds."""
    command = ["cargo", "build", "--quiet", "--release", "-p", "sockless-autobahn", "--bins", "--examples"]
    return subprocess.run(command, cwd=ROOT).returncode == 0


def binary(name):
    return os.path.join(TARGET, name)


def example(name):
    return os.path.join(TARGET, "examples", name)


class Server:
    """A server that tells its port in its first line. To be stopped."""

    def __init__(self, command):
        self.name = os.path.basename(command[0])
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.errors, cwd=HERE
        )
        timer = threading.Timer(30, self.process.kill)
        timer.start()
        line = self.process.stdout.readline().decode()
        timer.cancel()
        found = re.search(r"127\.0\.0\.1:(\d+)/|listening (\d+)", line)
        if not found:
            status = self.process.wait()
            self.process.stdout.close()
            if status == 2:
                raise Skipped("%s can't run here: %s" % (self.name, self.said() or line.strip()))
            raise RuntimeError("%s did not start: %s" % (self.name, self.said()))
        self.port = int(found.group(1) or found.group(2))
        threading.Thread(target=self.process.stdout.read, daemon=True).start()

    def interrupt(self):
        self.process.send_signal(signal.SIGINT)

    def said(self):
        self.errors.seek(0)
        return self.errors.read().decode(errors="replace").strip()

    def stop(self):
        stop(self.process)


def echo(program, *options):
    """An echo server of this package."""
    return Server([binary(program), "--listen", "127.0.0.1:0", *options])


def stop(process):
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port, process, name):
    """Waits until something listens."""
    for _ in range(300):
        if process.poll() is not None:
            raise RuntimeError("%s ended at once" % name)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError("%s did not start" % name)


class Nginx:
    """nginx as a reverse proxy before servers, on a port for each. To be stopped."""

    SERVER = """
  server {
    listen 127.0.0.1:%d;
    location / {
      proxy_pass %s://127.0.0.1:%d;
      proxy_http_version 1.1;
      proxy_set_header Host $host;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection "upgrade";
      proxy_read_timeout 120s;
    }
  }"""

    def __init__(self, path, targets, scheme):
        self.folder = tempfile.mkdtemp(prefix="sockless-nginx-")
        self.ports = [free_port() for _ in targets]
        temporary = "".join(
            "  %s_temp_path %s/%s;\n" % (kind, self.folder, kind)
            for kind in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        )
        servers = "".join(self.SERVER % (port, scheme, target) for port, target in zip(self.ports, targets))
        config = "daemon off; worker_processes 1; pid %s/pid; error_log %s/error.log;\nevents {}\nhttp {\n" % (
            self.folder,
            self.folder,
        )
        config += "  access_log off;\n" + temporary + servers + "\n}\n"
        written = os.path.join(self.folder, "nginx.conf")
        with open(written, "w") as file:
            file.write(config)
        self.process = subprocess.Popen(
            [path, "-p", self.folder, "-c", written, "-e", os.path.join(self.folder, "error.log")],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for port in self.ports:
            wait_for(port, self.process, "nginx")

    def stop(self):
        stop(self.process)
        shutil.rmtree(self.folder, ignore_errors=True)
