"""Django's send_robust with 10 and 100 receivers, each of which adds one. Prints a line of JSON: nanoseconds a call."""

import json
import timeit

import django
from django.dispatch import Signal


class Counter:
    ran = 0


def connected(count):
    signal = Signal()
    receivers = []
    for _ in range(count):

        def add(sender, **kwargs):
            Counter.ran += 1

        signal.connect(add)
        receivers.append(add)  # Django holds them weakly
    return signal, receivers


def nanoseconds(count):
    signal, receivers = connected(count)
    transaction = object()

    def send():
        signal.send_robust(sender=Counter, transaction=transaction)

    before = Counter.ran
    send()
    assert Counter.ran == before + len(receivers)
    calls, _ = timeit.Timer(send).autorange()
    return min(timeit.repeat(send, number=calls, repeat=5)) / calls * 1e9


if __name__ == "__main__":
    print(json.dumps({"django": django.__version__, **{str(count): nanoseconds(count) for count in (10, 100)}}))
