"""Reads what criterion measured, and Django's line of JSON from standard input, and prints the table."""

import json
import pathlib
import sys

measured = pathlib.Path(sys.argv[1]) / "criterion"
django = json.loads(sys.stdin.read() or "{}")


def nanoseconds(group, function=""):
    estimates = json.loads((measured / group / function / "new/estimates.json").read_text())
    return (estimates["slope"] or estimates["median"])["point_estimate"]


def row(what, time, mark, ratio=None):
    ratio = "" if ratio is None else f"{ratio:.2f}×"
    print(f"| {what:<35} | {time:>10,.1f} ns | {ratio:>8} | {mark:<8} |")


print(f"| {'':<35} | {'time':>13} | {'ratio':>8} | {'mark':<8} |")
print(f"|{'-' * 37}|{'-' * 15}|{'-' * 10}|{'-' * 10}|")
for group, functions in {
    "sync-1": {"send_robust": "≤ 1.20×", "dispatch": ""},
    "sync-10": {"send_robust": "≤ 1.10×", "dispatch": "≤ 1.35×"},
    "sync-100": {"send_robust": "≤ 1.10×", "dispatch": "≤ 1.35×"},
    "async-1": {"send_robust": ""},
    "async-10": {"send_robust": "≤ 2.7×"},
    "async-100": {"send_robust": ""},
}.items():
    loop = nanoseconds(group, "loop")
    row(f"{group}: loop", loop, "")
    for function, mark in functions.items():
        time = nanoseconds(group, function)
        row(f"{group}: {function}", time, mark, time / loop)
for count in ("10", "100"):
    ours = nanoseconds(f"peers-{count}", "send_robust")
    row(f"{count} receivers: athm", ours, "")
    for peer, mark in {"signals2": "≥ 2.3×", "signals2, a number": "", "bevy_ecs": "≥ 2.3×"}.items():
        time = nanoseconds(f"peers-{count}", peer)
        row(f"{count} receivers: {peer}", time, mark, time / ours)
    if count in django:
        row(f"{count} receivers: Django {django['django']}", django[count], "≥ 50×", django[count] / ours)
row("index over 4,000 receivers", nanoseconds("index-4000"), "< 100 µs")
