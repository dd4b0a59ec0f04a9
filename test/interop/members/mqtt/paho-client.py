"""Does one task with paho-mqtt 1.6, given as JSON, and says in lines of JSON what comes of it."""

import json
import sys
import threading

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

SECONDS_MAX = 20
SESSION_SECONDS = 3600
WEBSOCKET_PATH = "/mqtt"
REFUSED = 0x80


def say(what, **more):
    print(json.dumps({"said": what, **more}), flush=True)


class Task:
    """One connection, from its CONNECT to its end."""

    def __init__(self, task):
        self.task = task
        self.five = task["protocol"] == "5"
        self.done = threading.Event()
        self.failed = None
        self.left = task.get("count", 0)
        self.client = self.new_client()

    def new_client(self):
        task = self.task
        options = {} if self.five else {"clean_session": not task.get("persistent", False)}
        client = mqtt.Client(
            client_id=task.get("clientId", ""),
            protocol=mqtt.MQTTv5 if self.five else mqtt.MQTTv311,
            transport="websockets" if task["websocket"] else "tcp",
            **options,
        )
        if task["websocket"]:
            client.ws_set_options(path=WEBSOCKET_PATH)
        if task["caFile"]:
            client.tls_set(ca_certs=task["caFile"])
        if task["verb"] == "die":
            client.will_set(task["topic"], task["payload"], task["qos"], task["retain"])
        client.on_connect = self.connected
        client.on_subscribe = self.subscribed
        client.on_message = self.message
        client.on_publish = lambda *_: self.done.set()
        return client

    def connected(self, client, _data, _flags, code, *_):
        if int(getattr(code, "value", code)) != 0:
            return self.fail(f"not let in: {code}")
        verb, task = self.task["verb"], self.task
        if verb == "publish":
            client.publish(task["topic"], task["payload"], task["qos"], task["retain"])
        elif verb == "receive":
            client.subscribe(task["topic"], task["qos"])
        else:
            say("connected")
        return None

    def subscribed(self, _client, _data, _id, granted, *_):
        if any(int(getattr(code, "value", code)) >= REFUSED for code in granted):
            return self.fail(f"the subscription was refused: {granted}")
        say("subscribed")
        if self.left == 0:
            self.done.set()
        return None

    def message(self, _client, _data, message):
        say(
            "message",
            topic=message.topic,
            payload=message.payload.decode(),
            qos=message.qos,
            retain=bool(message.retain),
        )
        self.left -= 1
        if self.left == 0:
            self.done.set()

    def fail(self, reason):
        self.failed = reason
        self.done.set()

    def run(self):
        options = {}
        if self.five:
            persistent = self.task.get("persistent", False)
            properties = Properties(PacketTypes.CONNECT)
            properties.SessionExpiryInterval = SESSION_SECONDS if persistent else 0
            options = {"clean_start": not persistent, "properties": properties}
        self.client.connect(self.task["host"], self.task["port"], **options)
        self.client.loop_start()
        if not self.done.wait(SECONDS_MAX):
            self.failed = "waited in vain"
        self.client.disconnect()
        self.client.loop_stop()
        if self.failed:
            sys.exit(self.failed)


Task(json.loads(sys.argv[1])).run()
