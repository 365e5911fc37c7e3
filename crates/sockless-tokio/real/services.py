"""The services that others wrote, each on free ports of 127.0.0.1 with its files in a folder that is removed. To be stopped."""

import glob
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
# What starts programs and drives the browser is there for the other interoperability test, too.
sys.path.insert(0, os.path.join(ROOT, "autobahn", "interop"))

from programs import Skipped, free_port, stop, wait_for  # noqa: E402

QUIET = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


def path_of(name):
    """Where a program is. Those of the system's services are not on everybody's path."""
    for found in [shutil.which(name), "/usr/sbin/" + name]:
        if found and os.path.exists(found):
            return found
    raise Skipped("not installed: %s" % name)


class Service:
    """A program with a folder for its files."""

    def __init__(self, name):
        self.name = name
        self.folder = tempfile.mkdtemp(prefix="sockless-%s-" % name)
        # Some give up root's rights before they read their files.
        os.chmod(self.folder, 0o755)
        self.process = None

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w") as file:
            file.write(text)
        return path

    def start(self, line, ports, patience=30, **more):
        """Starts it, and waits until it listens on all its ports."""
        self.log = open(os.path.join(self.folder, "output"), "w+")
        # What it leaves behind when it ends badly is removed with its folder.
        usual = {"stdin": subprocess.DEVNULL, "stdout": self.log, "stderr": self.log, "cwd": self.folder}
        self.process = subprocess.Popen(line, start_new_session=True, **{**usual, **more})
        deadline = time.monotonic() + patience
        for port in ports:
            while True:
                try:
                    wait_for(port, self.process, self.name)
                    break
                except RuntimeError as error:
                    if self.process.poll() is not None or time.monotonic() > deadline:
                        said = self.said()
                        self.stop()
                        raise RuntimeError("%s: %s" % (error, said[-500:])) from None

    def said(self):
        self.log.seek(0)
        return self.log.read().strip()

    def signal(self, number):
        """Sends a signal to it and to all that it has started."""
        os.killpg(self.process.pid, number)

    def pause(self):
        self.signal(signal.SIGSTOP)

    def go_on(self):
        self.signal(signal.SIGCONT)

    def stop(self):
        if self.process:
            stop(self.process)
            try:
                # What it has started and left behind; the group is its own.
                self.signal(signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                pass
        shutil.rmtree(self.folder, ignore_errors=True)


class Tinyproxy(Service):
    """A proxy for HTTP CONNECT that wants credentials, and leads to one port alone."""

    def __init__(self, allowed):
        super().__init__("tinyproxy")
        self.port = free_port()
        config = "Port %d\nListen 127.0.0.1\nTimeout 60\nMaxClients 20\nAllow 127.0.0.1\nConnectPort %d\nBasicAuth user pass\n"
        written = self.write("conf", config % (self.port, allowed))
        self.start([path_of("tinyproxy"), "-d", "-c", written], [self.port])


class Dante(Service):
    """A SOCKS5 proxy that wants no credentials, and leads to one port alone."""

    CONFIG = """
logoutput: %(folder)s/log
internal: 127.0.0.1 port = %(port)d
external: lo
clientmethod: none
socksmethod: none
user.privileged: %(user)s
user.unprivileged: %(user)s
client pass {
  from: 127.0.0.0/8 to: 0.0.0.0/0
}
socks pass {
  from: 127.0.0.0/8 to: 127.0.0.0/8 port = %(allowed)d
  command: connect
}
"""

    def __init__(self, allowed):
        super().__init__("danted")
        self.port = free_port()
        user = "root" if os.geteuid() == 0 else os.environ.get("USER", "nobody")
        values = {"folder": self.folder, "port": self.port, "allowed": allowed, "user": user}
        written = self.write("conf", self.CONFIG % values)
        self.start([path_of("danted"), "-f", written, "-p", os.path.join(self.folder, "pid")], [self.port])


class Microsocks(Service):
    """A SOCKS5 proxy that wants credentials."""

    def __init__(self):
        super().__init__("microsocks")
        self.port = free_port()
        line = [path_of("microsocks"), "-i", "127.0.0.1", "-p", str(self.port), "-u", "user", "-P", "p@ss"]
        self.start(line, [self.port])


class Front(Service):
    """nginx before a server: one port without TLS, and one with each certificate."""

    SERVER = """
  server {
    listen 127.0.0.1:%d%s;
    location / {
      proxy_pass http://127.0.0.1:%d;
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection "upgrade";
      proxy_read_timeout 60s;
    }
    location /private { return 401 "not you"; }
    location /moved { return 307 https://$http_host/; }
  }
"""

    def __init__(self, target, certificates):
        super().__init__("nginx")
        names = ["plain", *certificates]
        self.ports = {name: free_port() for name in names}
        kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        text = "daemon off; worker_processes 1; pid %s/pid; error_log %s/error.log;\nevents {}\nhttp {\n  access_log off;\n"
        text %= (self.folder, self.folder)
        text += "".join("  %s_temp_path %s/%s;\n" % (kind, self.folder, kind) for kind in kinds)
        for name in names:
            tls = ""
            if name != "plain":
                tls = " ssl; ssl_certificate %s.pem; ssl_certificate_key %s.key" % ((certificates[name],) * 2)
            text += self.SERVER % (self.ports[name], tls, target)
        written = self.write("nginx.conf", text + "}\n")
        line = [path_of("nginx"), "-p", self.folder, "-c", written, "-e", os.path.join(self.folder, "error.log")]
        self.start(line, self.ports.values())


class Mosquitto(Service):
    """A broker of MQTT."""

    def __init__(self, port=None):
        super().__init__("mosquitto")
        self.port = port or free_port()
        written = self.write("conf", "listener %d 127.0.0.1\nallow_anonymous true\n" % self.port)
        self.start([path_of("mosquitto"), "-c", written], [self.port])


class RabbitMQ(Service):
    """A broker of STOMP, over TCP and over WebSocket, with files and a name for this one run."""

    CONFIG = """
listeners.tcp.1 = 127.0.0.1:%(amqp)d
stomp.listeners.tcp.1 = 127.0.0.1:%(stomp)d
stomp.default_user = guest
stomp.default_pass = guest
web_stomp.tcp.ip = 127.0.0.1
web_stomp.tcp.port = %(web)d
web_stomp.ws_frame = binary
web_stomp.ws_opts.compress = true
"""

    def __init__(self):
        super().__init__("rabbitmq")
        script = "/usr/lib/rabbitmq/bin/rabbitmq-server"
        if not os.path.exists(script):
            shutil.rmtree(self.folder)
            raise Skipped("not installed: rabbitmq-server")
        self.port, self.web = free_port(), free_port()
        self.names = free_port()
        config = self.write("rabbitmq.conf", self.CONFIG % {"amqp": free_port(), "stomp": self.port, "web": self.web})
        plugins = self.write("plugins", "[rabbitmq_stomp,rabbitmq_web_stomp].\n")
        self.environment = dict(
            os.environ,
            HOME=self.folder,
            ERL_CRASH_DUMP=os.path.join(self.folder, "crash"),
            ERL_EPMD_PORT=str(self.names),
            ERL_EPMD_ADDRESS="127.0.0.1",
            RABBITMQ_NODENAME="sockless%d@localhost" % os.getpid(),
            RABBITMQ_DIST_PORT=str(free_port()),
            RABBITMQ_CONFIG_FILE=config,
            RABBITMQ_ENABLED_PLUGINS_FILE=plugins,
            RABBITMQ_MNESIA_BASE=os.path.join(self.folder, "mnesia"),
            RABBITMQ_LOG_BASE=os.path.join(self.folder, "log"),
            RABBITMQ_PID_FILE=os.path.join(self.folder, "pid"),
        )
        self.start([script], [self.port, self.web], patience=300, env=self.environment)

    def stop(self):
        if self.process:
            stop(self.process)
        # It has started a service of names, on a port for this run alone, which is in no group of ours.
        for epmd in [shutil.which("epmd"), *glob.glob("/usr/lib/erlang/erts-*/bin/epmd")]:
            if epmd:
                subprocess.run([epmd, "-port", str(self.names), "-kill"], env=self.environment, **QUIET)
                break
        super().stop()


class Crossbar(Service):
    """A router of WAMP."""

    def __init__(self, program):
        super().__init__("crossbar")
        self.port = free_port()
        permissions = {name: True for name in ["call", "register", "publish", "subscribe"]}
        role = {"name": "anonymous", "permissions": [{"uri": "", "match": "prefix", "allow": permissions}]}
        transport = {"type": "websocket", "endpoint": {"type": "tcp", "interface": "127.0.0.1", "port": self.port}}
        realms = [{"name": "realm1", "roles": [role]}]
        worker = {"type": "router", "realms": realms, "transports": [transport]}
        self.write("config.json", json.dumps({"version": 2, "workers": [worker]}))
        self.start([program, "start", "--cbdir", self.folder], [self.port], patience=300)
