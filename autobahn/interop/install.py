"""Installs the peers, at the versions written down beside this file, into folders that are not committed."""

import glob
import hashlib
import os
import re
import shutil
import subprocess
import sys

import chromium
from programs import HERE, ROOT

VENV = os.path.join(HERE, ".venv")
PYTHON = os.path.join(VENV, "bin", "python")
NODE = os.path.join(HERE, "node")
REQUIREMENTS = os.path.join(HERE, "python", "requirements.txt")


def say(text):
    print("interop: " + text, flush=True)


def runs(command, **more):
    """What a command says; `None` if it fails."""
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=600, **more)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode(errors="replace").strip() if done.returncode == 0 else None


def nginx_path():
    return shutil.which("nginx") or next(iter(glob.glob("/usr/sbin/nginx")), None)


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def installed(folder, pinned):
    """Whether a folder holds what was pinned; and what notes that it does."""
    note = os.path.join(folder, "installed")
    wanted = digest(pinned)
    present = False
    if os.path.exists(note):
        with open(note) as file:
            present = file.read() == wanted

    def written():
        with open(note, "w") as file:
            file.write(wanted)

    return present, written


def python_packages():
    present, written = installed(VENV, REQUIREMENTS)
    if not present:
        say("installing Python's peers into %s" % os.path.relpath(VENV, ROOT))
        made = runs([sys.executable, "-m", "venv", "--clear", VENV]) is not None
        if not made or runs([PYTHON, "-m", "pip", "install", "--quiet", "-r", REQUIREMENTS]) is None:
            return False
        written()
    return True


def node_packages():
    if not shutil.which("node") or not shutil.which("npm"):
        return False
    modules = os.path.join(NODE, "node_modules")
    present, written = installed(modules, os.path.join(NODE, "package-lock.json"))
    if not present:
        say("installing Node's peers into %s" % os.path.relpath(modules, ROOT))
        if runs(["npm", "ci", "--no-audit", "--no-fund"], cwd=NODE) is None:
            return False
        written()
    return True


def system_packages():
    """Installs Chromium, nginx and Node where that is ours to do: as root, with apt."""
    missing = []
    if not shutil.which("node") or not shutil.which("npm"):
        missing += ["nodejs", "npm"]
    if not chromium.find():
        missing.append("chromium")
    if not nginx_path():
        missing.append("nginx")
    if missing and os.geteuid() == 0 and shutil.which("apt-get"):
        say("installing %s with apt-get" % " and ".join(missing))
        environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
        runs(["apt-get", "update", "-qq"], env=environment)
        runs(["apt-get", "install", "-y", "-qq", "--no-install-recommends"] + missing, env=environment)


def tungstenite_version():
    with open(os.path.join(ROOT, "Cargo.lock")) as file:
        found = re.search(r'name = "tungstenite"\nversion = "([^"]*)"', file.read())
    return found.group(1) if found else "?"


def peers():
    """The peers that are here: their names and versions. `None` for those that are not."""
    system_packages()
    found = {"tungstenite": tungstenite_version(), "node": None, "python": None, "chromium": None, "nginx": None}
    if node_packages():
        ws = runs(["node", os.path.join(NODE, "peer.mjs"), "version"])
        found["node"] = ws and "%s on Node %s" % (ws, runs(["node", "--version"]))
    if python_packages():
        websockets = runs([PYTHON, os.path.join(HERE, "python", "peer.py"), "version"])
        found["python"] = websockets and "%s on Python %s" % (websockets, ".".join(map(str, sys.version_info[:3])))
    if chromium.find():
        said = runs([chromium.find(), "--version"]) or ""
        found["chromium"] = next(iter(re.findall(r"\d+\.[\d.]+", said)), None)
    if nginx_path():
        found["nginx"] = (runs([nginx_path(), "-v"]) or "").rpartition("/")[2] or None
    return found
