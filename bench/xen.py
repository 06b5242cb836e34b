#!/usr/bin/env python3
"""apps/dns and apps/iperf as domains against a trimmed Linux PVH guest with NSD and iperf3, on the
same emulated Xen:

    bench/xen.py [RUNS]

Prints the time from the return of `xl create` to the first answer on this host, and the iperf3
throughput measured by dom0 in each direction. On an emulated machine the figures show how much work
each guest does; they differ on hardware.
"""
import json
import pathlib
import socket
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tool"))
from lab import Lab  # noqa: E402

QUERY = (
    bytes.fromhex("1234 0100 0001 0000 0000 0000")
    + b"\3www\7example\3org\0"
    + bytes.fromhex("0001 0001")
)
# All guests share one MAC address, because QEMU's network caches the MAC address of an IP address.
VIF = 'vif = ["bridge=xenbr0,mac=00:16:3e:00:00:15"]\n'
DESTROY = 'on_poweroff = "destroy"\non_reboot = "destroy"\non_crash = "destroy"\n'


def built(app):
    subprocess.run(
        [ROOT / "fata", "build", app, "-t", "xen"], check=True, stdout=subprocess.DEVNULL
    )
    (image,) = (ROOT / app / ".fata/xen/build").glob("*.img")
    return image


def fata(lab, image, words="", name="fata"):
    return (
        f'name = "{name}"\ntype = "pvh"\nkernel = "{lab.put(image)}"\nmemory = 32\nshadow_memory ='
        f' 4\nextra = "{words}"\n{VIF}{DESTROY}'
    )


def first_answer(port, limit=240):
    """Seconds until a query is answered."""
    begin = time.monotonic()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.connect(("127.0.0.1", port))
        client.settimeout(0.1)
        while time.monotonic() < begin + limit:
            try:
                client.send(QUERY)
                answer = client.recv(512)
            except OSError:
                continue
            if answer[:2] == QUERY[:2] and answer[3] & 15 == 0:
                return time.monotonic() - begin
    raise SystemExit("no answer")


def until_answered(lab, config, port):
    name = lab.create(config, timeout=120)
    seconds = first_answer(port)
    lab.run(f"xl destroy {name}")
    return seconds


def rates(lab, config, ready):
    name = lab.create(config, timeout=120)
    lab.wait_console(name, ready, 120)
    time.sleep(1)
    measured = []
    for way in ("", "-R"):
        text = lab.run(f"iperf3 -c 10.0.2.15 -t 4 -J {way}", timeout=180).text
        measured.append(json.loads(text)["end"]["sum_received"]["bits_per_second"] / 1e6)
    lab.run(f"xl destroy {name}")
    return measured


def main():
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    dns, iperf = built("apps/dns"), built("apps/iperf")
    with Lab(["udp:0:53"]) as lab:
        port = lab.port("udp", 53)
        ours, theirs = [], []
        for _ in range(runs):
            ours.append(until_answered(lab, fata(lab, dns, "--port=53 --rrl=off"), port))
            theirs.append(
                until_answered(
                    lab, lab.linux(words="address=10.0.2.15/24 serve=nsd", more=VIF) + DESTROY, port
                )
            )
        mine, peer = statistics.median(ours), statistics.median(theirs)
        print(
            (
                f"first answer after xl create: fata {mine:.2f} s, Linux with NSD {peer:.2f} s,"
                f" {peer / mine:.1f} times   (fata {[f'{s:.2f}' for s in ours]}, Linux"
                f" {[f'{s:.2f}' for s in theirs]})"
            ),
            flush=True,
        )
        ours, theirs = [], []
        for run in range(runs):
            # Each run has its own domain name. The console log is kept under the domain's name, so
            # a reused name would show that the previous domain was up.
            ours.append(rates(lab, fata(lab, iperf, name=f"fata-{run}"), "5201"))
            theirs.append(
                rates(
                    lab,
                    lab.linux(f"linux-{run}", "address=10.0.2.15/24 serve=iperf3", more=VIF)
                    + DESTROY,
                    "GUEST: up",
                )
            )
        for way, text in enumerate(("dom0 sends", "the guest sends")):
            mine, peer = (statistics.median(row[way] for row in rows) for rows in (ours, theirs))
            print(
                (
                    f"iperf3 of dom0, {text}: fata {mine:.0f} Mb/s, Linux {peer:.0f} Mb/s,"
                    f" {mine / peer:.2f} times   (fata {[round(row[way]) for row in ours]}, Linux"
                    f" {[round(row[way]) for row in theirs]})"
                ),
                flush=True,
            )


if __name__ == "__main__":
    main()
