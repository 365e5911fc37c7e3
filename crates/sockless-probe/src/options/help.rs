//! What `--help` says.

pub(super) const HELP: &str = "\
sockless-probe: tests WebSocket endpoints against RFC 6455, RFC 7692 and RFC 8441

  sockless-probe server URL [OPTIONS]               tests the echo server at ws://HOST:PORT/PATH
  sockless-probe client --listen HOST:PORT [OPTIONS] tests the clients that connect, by Autobahn's own addresses
  sockless-probe cases [server|client] [OPTIONS]    lists the cases
  sockless-probe merge REPORT.json ... --html FILE  one page out of several JSON reports

Which cases
  --filter PATTERN    cases whose id matches: 6.*, handshake.*, 9.1.1; several by commas; with ! in front: not those
  --core              Autobahn's groups 1 to 7, 9 and 10
  --level LEVEL       must, should or safety; several by commas
  --quick             20 messages in a compressed case in place of 1000
How they are run
  --jobs N            cases at a time (default 32)
  --timeout SECONDS   how long a testee has to react (default 2)
  --seed N            fixes masking keys, cuts and contents (default 1)
Where it goes (server)
  --http2             each WebSocket is a stream of HTTP/2 (RFC 8441): h2c for ws://, h2 for wss://
  --field 'NAME: VALUE'   a further field of the request; may be repeated
  --subprotocol NAME      offers it
  --ca FILE               wss: trusts the certificates of this PEM file
  --insecure              wss: trusts whoever is there
  --i-may-test-this       needed outside loopback: some cases are attacks
Who listens (client)
  --certificate FILE --key FILE   wss: a chain and a key in PEM
Reports
  --agent NAME        the testee's name in the reports
  --json FILE  --junit FILE  --tap FILE  --html FILE
  --autobahn FOLDER   index.json and the case files in Autobahn's shape
  --baseline FILE     deviations that are known: lines of an id and a verdict
  --write-baseline FILE
  --log               prints the wire log of the cases that are not OK
  --quiet             no progress
  --stay              client: goes on after the first agent has asked for its reports

Exit status: 0 if no case is FAILED or closed wrongly that the baseline doesn't know, 1 if one is, 2 if the run was not possible
or not complete.";
