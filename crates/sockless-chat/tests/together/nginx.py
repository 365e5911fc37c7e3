#!/usr/bin/env python3
"""Does what `docs/together.md` says, in its own words, with other ports: `nginx.py PROGRAM`. Two pages in headless Chromium talk through
nginx, not sticky and sticky, while servers and Redis die. Needs nginx, redis-server and Chromium."""

import pathlib
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "browser"))

import run  # noqa: E402


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Together:
    """Everything of the page of docs, with ports that are free."""

    def __init__(self, program, sticky):
        text = (HERE.parent.parent / "docs" / "together.md").read_text()
        for port in ["6379", "3001", "3002", "8080"]:
            text = text.replace(":" + port, ":%s" % (new := free_port())).replace("--port " + port, "--port %d" % new)
            self.url = "http://localhost:%d" % new
        blocks = re.findall(r"```(sh|nginx)\n(.*?)```", text, re.S)
        # The server and its clients agree on one port of Redis.
        port = re.search(r"--redis redis://127.0.0.1:(\d+)", text).group(1)
        self.redis_command = shlex.split(re.sub(r"--port \d+", "--port " + port, blocks[0][1]))
        secret, *servers = blocks[1][1].replace("\\\n", "").strip().split("\n\n")
        lines = [line for line in servers[0].splitlines() if line.strip()]
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sockless-nginx-"))
        subprocess.run(secret, shell=True, check=True, cwd=self.folder)
        self.lines = [shlex.split(line.replace("sockless-chat", program, 1)) for line in lines]
        (self.folder / "redis").mkdir()
        conf = blocks[2][1]
        if sticky:
            conf = conf.replace("upstream chat {", "upstream chat {\n    hash $remote_addr consistent;")
        (self.folder / "nginx.conf").write_text("daemon off;\npid nginx.pid;\nerror_log stderr;\n" + conf.replace("http {", "http { access_log off;", 1))
        self.redis = self.start_redis()
        self.servers = [self.start(line) for line in self.lines]
        self.nginx = subprocess.Popen(["nginx", "-e", "stderr", "-p", str(self.folder), "-c", "nginx.conf"], stderr=subprocess.DEVNULL)
        time.sleep(0.5)

    def start_redis(self):
        return subprocess.Popen(self.redis_command, cwd=self.folder / "redis", stdout=subprocess.DEVNULL)

    def start(self, line):
        process = subprocess.Popen(line, cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        process.stdout.readline()
        return process

    def close(self):
        for process in [*self.servers, self.redis, self.nginx]:
            process.terminate()
            process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def kill(process):
    process.kill()
    process.wait()


def tell(program, sticky, browser):
    together = Together(program, sticky)
    try:
        ann, bob = run.Page(browser), run.Page(browser)
        ann.sign_in(together.url, "ann")
        bob.sign_in(together.url, "bob")
        said = []

        def talk():
            for speaker in [ann, bob]:
                said.append("message %d" % len(said))
                speaker.say(said[-1])
                for page in [ann, bob]:
                    page.until(page.waiting(), 0)
                    page.until(page.texts(), said)

        talk()
        for at in [0, 1]:
            kill(together.servers[at])
            talk()
            together.servers[at] = together.start(together.lines[at])
            talk()
        kill(together.redis)
        ann.until("document.getElementById('state').textContent.startsWith('This server is alone')")
        said.append("while it is away")
        ann.say(said[-1])
        if sticky:
            # Both are at the same server, and hear each other.
            bob.until(bob.texts() + ".at(-1)", said[-1])
            bob.until(bob.waiting(), 1)
        together.redis = together.start_redis()
        for page in [ann, bob]:
            page.until(page.waiting(), 0)
            page.until(page.texts(), said)
        talk()
        kill(together.redis)
        shutil.rmtree(together.folder / "redis")
        (together.folder / "redis").mkdir()
        together.redis = together.start_redis()
        for page in [ann, bob]:
            said.append("after it")
            page.say(said[-1])
        # Who of two comes first is open: each says it again when it is connected.
        for page in [ann, bob]:
            page.until(page.waiting(), 0)
            page.until(page.texts(), said)
            page.until("document.querySelectorAll('#log .gap').length", 1)
    finally:
        together.close()


def main():
    browser = run.chromium.Chromium(run.chromium.find())
    try:
        for sticky in [False, True]:
            started = time.monotonic()
            tell(str(pathlib.Path(sys.argv[1]).resolve()), sticky, browser)
            print("%s: passes, %.1f s" % ("sticky" if sticky else "not sticky", time.monotonic() - started), flush=True)
    finally:
        browser.close()


if __name__ == "__main__":
    main()
