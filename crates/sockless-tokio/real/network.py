"""TLS, proxies and nginx between the client and the server of `real`."""

import os
import signal
import subprocess

from programs import Server
from services import Dante, Front, Microsocks, Tinyproxy, free_port

CERTIFICATES = ["good", "expired", "other", "strange"]


def check(holds, why):
    if not holds:
        raise RuntimeError(why)


class Reach:
    """The client that opens a connection and has some messages echoed."""

    def __init__(self, real, certificates):
        self.real, self.ca = real, os.path.join(certificates, "ca.pem")

    def __call__(self, url, *options, **environment):
        line = [self.real, "reach", url, *options]
        clean = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        done = subprocess.run(line, stdout=subprocess.PIPE, env={**clean, **environment}, timeout=60)
        return done.stdout.decode().strip()

    def expect(self, wanted, url, *options, **environment):
        """What is said begins with this, and has all of these in it."""
        wanted = wanted if isinstance(wanted, list) else [wanted]
        said = self(url, *options, **environment)
        fits = said.startswith(wanted[0]) and all(text in said for text in wanted)
        check(fits, "%s %s: %r was expected, not %r" % (url, " ".join(options), wanted, said))
        return said


def echo(real, *options):
    return Server([real, "echo", *options])


def certificates(real, folder, start):
    """Our client against OpenSSL: nginx has a certificate of our own authority, an expired one, one for another name, one that nobody vouches for."""
    reach = Reach(real, folder)
    server = start(echo(real, "--deflate", "on"))
    front = start(Front(server.port, {name: os.path.join(folder, name) for name in CERTIFICATES}))
    url = "wss://%s:%d/"
    reach.expect("ok\tpermessage-deflate", url % ("localhost", front.ports["good"]), "--ca", reach.ca, "--deflate", "on")
    reach.expect("ok\tnone", url % ("127.0.0.1", front.ports["good"]), "--ca", reach.ca)
    for name, said in [("expired", "expired"), ("other", "another name"), ("strange", "nobody who is trusted")]:
        reach.expect(["Tls\t", said], url % ("localhost", front.ports[name]), "--ca", reach.ca)
    # The certificates that the system trusts: ours is among them for whoever names it.
    here = url % ("localhost", front.ports["good"])
    reach.expect("ok\t", here, SSL_CERT_FILE=reach.ca)
    reach.expect(["Tls\t", "nobody who is trusted"], here)
    # No TLS where TLS is spoken, and TLS where none is. OpenSSL's server answers plain HTTP in HTTP.
    reach.expect("Refused 400", "ws://localhost:%d/" % front.ports["good"])
    reach.expect(["Tls\t", "does not speak TLS"], url % ("localhost", front.ports["plain"]), "--ca", reach.ca)
    return "good, by address, system's; expired, other name, unknown authority refused"


def openssl(real, folder, start):
    """OpenSSL's client, in Python, against our server: the chain is good, and so is the end of TLS."""
    import ssl
    import socket

    good = os.path.join(folder, "good")
    server = start(echo(real, "--tls", good + ".pem", good + ".key"))
    context = ssl.create_default_context(cafile=os.path.join(folder, "ca.pem"))
    context.set_alpn_protocols(["h2", "http/1.1"])
    request = b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    request += b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port), 20) as plain:
        with context.wrap_socket(plain, server_hostname="localhost", suppress_ragged_eofs=False) as stream:
            check(stream.selected_alpn_protocol() == "http/1.1", "another protocol was chosen")
            # Two messages and a Close frame, in one write with the request.
            stream.sendall(request + b"\x81\x82\0\0\0\0hi\x82\x81\0\0\0\0!\x88\x80\0\0\0\0")
            answer = b""
            while True:
                piece = stream.recv(4096)
                if not piece:
                    break
                answer += piece
            head, _, frames = answer.partition(b"\r\n\r\n")
            check(head.startswith(b"HTTP/1.1 101 "), "the answer is %r" % head)
            check(frames == b"\x81\x02hi\x82\x01!\x88\x00", "the frames are %r" % frames)
            # An end without close_notify would have been an error of ssl.
            version = stream.version()
    return version


def tinyproxy(real, folder, start):
    """An HTTP proxy that wants credentials."""
    reach = Reach(real, folder)
    good = os.path.join(folder, "good")
    server = start(echo(real, "--tls", good + ".pem", good + ".key", "--deflate", "on"))
    plain = start(echo(real))
    proxy = start(Tinyproxy(server.port))
    url, through = "wss://localhost:%d/" % server.port, "http://user:pass@127.0.0.1:%d" % proxy.port
    known = ["--ca", reach.ca]
    reach.expect("ok\tpermessage-deflate", url, "--proxy", through, "--deflate", "on", *known)
    reach.expect("Proxy Credentials", url, "--proxy", "http://127.0.0.1:%d" % proxy.port, *known)
    wrong = "http://user:wrong@127.0.0.1:%d" % proxy.port
    reach.expect(["Proxy ", "credentials"], url, "--proxy", wrong, *known)
    # It leads to one port alone.
    reach.expect("Proxy Status(403)", "ws://localhost:%d/" % plain.port, "--proxy", through)
    # The environment names it; and names what is reached without it.
    reach.expect("ok\t", url, "--proxy", "environment", *known, https_proxy=through)
    reach.expect("Proxy Credentials", url, "--proxy", "environment", *known, HTTPS_PROXY=wrong)
    reach.expect("ok\t", url, "--proxy", "environment", *known, https_proxy=wrong, no_proxy="example.com,localhost")
    check("CONNECT" in proxy.said() or "Connect" in proxy.said(), "the proxy has seen nothing: %s" % proxy.said()[-300:])
    # A server that isn't there.
    server.stop()
    reach.expect("Proxy Status(50", url, "--proxy", through, *known)
    return "TLS through CONNECT; credentials, rules, environment"


def dante(real, folder, start):
    """A SOCKS5 proxy with rules, without credentials."""
    reach = Reach(real, folder)
    good = os.path.join(folder, "good")
    server = start(echo(real, "--tls", good + ".pem", good + ".key"))
    plain = start(echo(real))
    proxy = start(Dante(server.port))
    through = "socks5://127.0.0.1:%d" % proxy.port
    for host in ["localhost", "127.0.0.1"]:
        reach.expect("ok\t", "wss://%s:%d/" % (host, server.port), "--proxy", through, "--ca", reach.ca)
    # What the rules forbid.
    reach.expect(["Proxy Code(2)", "rules"], "ws://127.0.0.1:%d/" % plain.port, "--proxy", through)
    server.stop()
    reach.expect(["Proxy Code(5)", "refused"], "wss://localhost:%d/" % server.port, "--proxy", through, "--ca", reach.ca)
    return "by name, by address; rules"


def microsocks(real, folder, start):
    """A SOCKS5 proxy that wants credentials."""
    reach = Reach(real, folder)
    server = start(echo(real, "--deflate", "on"))
    proxy = start(Microsocks())
    url = "ws://%s:%d/" % ("localhost", server.port)
    through = "socks5://user:p%%40ss@127.0.0.1:%d" % proxy.port
    reach.expect("ok\tpermessage-deflate", url, "--proxy", through, "--deflate", "on")
    reach.expect("ok\t", url, "--proxy", "environment", all_proxy=through)
    for wrong in ["socks5://127.0.0.1:%d", "socks5://user:pass@127.0.0.1:%d"]:
        reach.expect("Proxy Credentials", url, "--proxy", wrong % proxy.port)
    reach.expect("Proxy Code(5)", "ws://127.0.0.1:%d/" % free_port(), "--proxy", through)
    # A proxy that says nothing is left after the time that was given.
    proxy.signal(signal.SIGSTOP)
    reach.expect("TimedOut\tthe proxy", url, "--proxy", through, "--timeout", "1.5")
    proxy.signal(signal.SIGCONT)
    return "credentials; refused, and silent"


def nginx(real, folder, start):
    """nginx in front of our server: what it answers itself is a refusal, with its status."""
    reach = Reach(real, folder)
    server = start(echo(real, "--deflate", "on", "--form", "halves"))
    front = start(Front(server.port, {}))
    url = "ws://127.0.0.1:%d/" % front.ports["plain"]
    reach.expect("ok\tpermessage-deflate", url, "--deflate", "on")
    reach.expect("ok\tnone", url)
    reach.expect(["Refused 401", "credentials"], url + "private")
    reach.expect(["Refused 307", "redirects to https://127.0.0.1"], url + "moved")
    server.stop()
    reach.expect("Refused 502", url)
    return "opened, and its own answers"
