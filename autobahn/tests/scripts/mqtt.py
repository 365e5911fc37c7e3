"""Two MQTT clients over WebSocket: what one publishes, the other gets. Arguments: host and port of the WebSocket."""

import hashlib
import queue
import sys

import paho.mqtt.client as mqtt

HOST, PORT = sys.argv[1], int(sys.argv[2])
TOPIC = "sockless/test"
# Paho forgets a packet that its socket takes only a part of, so none is larger than what a socket's buffer holds.
SIZES = [0, 1, 100, 70_000, 500_000]


def client(name, version):
    made = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=name, transport="websockets", protocol=version)
    made.ws_set_options(path="/mqtt")
    return made


for version in (mqtt.MQTTv311, mqtt.MQTTv5):
    received, subscribed = queue.Queue(), queue.Queue()
    reader, writer = client("reader", version), client("writer", version)
    reader.on_connect = lambda one, *rest: one.subscribe(TOPIC, qos=1)
    reader.on_subscribe = lambda *rest: subscribed.put(True)
    reader.on_message = lambda one, data, message: received.put(message.payload)
    reader.connect(HOST, PORT, keepalive=30)
    reader.loop_start()
    subscribed.get(timeout=20)
    writer.connect(HOST, PORT, keepalive=30)
    writer.loop_start()
    for size in SIZES:
        payload = hashlib.sha256(b"%d" % size).digest() * (size // 32 + 1)
        payload = payload[:size]
        writer.publish(TOPIC, payload, qos=1).wait_for_publish(timeout=20)
        assert received.get(timeout=20) == payload, size
    for one in (writer, reader):
        one.disconnect()
        one.loop_stop()
print("%d messages in each of two versions of MQTT" % len(SIZES))
