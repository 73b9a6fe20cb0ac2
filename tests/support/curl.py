"""A stand-in for curl on a machine that has none: `-s -X -H -d` and a URL, and an exit code for errors."""

from __future__ import annotations

import sys
import urllib.error
import urllib.request


def main(arguments: list[str]) -> int:
    method, url, headers, data = None, "", {}, []
    rest = iter(arguments)
    for argument in rest:
        if argument == "-s":
            continue
        if argument == "-X":
            method = next(rest)
        elif argument == "-H":
            name, _, value = next(rest).partition(":")
            headers[name.strip()] = value.strip()
        elif argument == "-d":
            data.append(next(rest))
        elif argument.startswith("-"):
            sys.exit(f"curl stand-in: no option {argument}")
        else:
            url = argument
    body = "&".join(data).encode() if data else None
    method = method or ("POST" if data else "GET")
    request = urllib.request.Request(url, body, headers, method=method)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=60) as answer:
            sys.stdout.write(answer.read().decode())
    except urllib.error.HTTPError as error:
        sys.stdout.write(error.read().decode())
        return 22
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
