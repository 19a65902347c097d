"""Runs a Spark Connect server of Sail until standard input closes, which it does when the workspace is gone.

Prints one line: {"port"}, or {"missing"} or {"failed"} with the reason.
"""

import json
import os
import sys
import threading


def follow():
    sys.stdin.buffer.read()
    os._exit(0)


# Nothing else is to get between the line.
replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
os.dup2(2, 1)


def state(**reply):
    replies.write(json.dumps(reply) + "\n")
    replies.close()


threading.Thread(target=follow, daemon=True).start()
try:
    from pysail.spark import SparkConnectServer
except ImportError as error:
    state(missing=str(error))
    sys.exit(1)
try:
    # The server takes a free port itself, so that no one else can take it in between.
    server = SparkConnectServer("127.0.0.1", 0)
    server.start(background=True)
    port = server.listening_address[1]
except Exception as error:
    state(failed="%s: %s" % (type(error).__name__, error))
    sys.exit(1)
state(port=port)
threading.Event().wait()
