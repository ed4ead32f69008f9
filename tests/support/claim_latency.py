#!/usr/bin/env python3
"""How long a deployment takes from `create` to an agent that waits for it: claim_latency.py HOME HOST:PORT ROUNDS.
The server at HOST:PORT runs on HOME. Prints milliseconds from the moment before the request."""
import http.client
import json
import statistics
import sys
import threading
import time


def call(connection, method, path, token, body=None):
    text = None if body is None else json.dumps(body)
    connection.request(method, path, body=text, headers={"Authorization": "token " + token})
    answer = connection.getresponse()
    content = answer.read()
    if answer.status not in (200, 202):
        sys.exit(f"{method} {path}: {answer.status} {content[:300]!r}")
    return json.loads(content)


def agent(address, pool, seen):
    connection = http.client.HTTPConnection(address)
    claim = call(connection, "GET", "/api/deployments/poll?hostname=h&pid=1&platform=linux/amd64&version=1"
                 "&instance=0123456789&runners=process&wait=25", pool)
    seen["claim"] = time.monotonic()
    job = "/api/deployments/" + claim["deploymentID"]
    call(connection, "POST", job + "/lease", claim["jobToken"], {})
    seen["begun"] = time.monotonic()
    call(connection, "POST", job + "/complete", claim["jobToken"], {"result": "succeeded"})


def main():
    home, address, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
    with open(home + "/control/admin.token", encoding="utf-8") as file:
        user = file.read().strip()
    connection = http.client.HTTPConnection(address)
    pool = call(connection, "POST", "/api/orgs/default/agent-pools", user, {"name": "latency"})["tokenValue"]
    claimed, begun = [], []
    for _ in range(rounds):
        seen = {}
        waiting = threading.Thread(target=agent, args=(address, pool, seen))
        waiting.start()
        time.sleep(0.05)  # so that its poll is held when the deployment comes
        start = time.monotonic()
        call(connection, "POST", "/api/stacks/default/latency/s/deployments", user,
             {"operation": "preview", "agentPoolID": "latency"})
        waiting.join()
        claimed.append((seen["claim"] - start) * 1000)
        begun.append((seen["begun"] - start) * 1000)
    for name, times in (("offered", claimed), ("taken up", begun)):
        times.sort()
        print(f"create to {name:<9} median {statistics.median(times):.1f} ms, "
              f"95 % under {times[int(len(times) * 0.95)]:.1f} ms ({rounds} rounds)")


main()
