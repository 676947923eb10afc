"""Reads one JSON line a step from standard input, answers each with one line on standard output, in order."""

import json
import sys
from typing import Any, Callable

Step = Callable[[dict[str, Any]], dict[str, Any]]

WEATHER = {
    "name": "weather",
    "description": "The weather of a city.",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
}
WEATHER_RESULT = "sunny, 21 degrees"
EMBEDDED = ["The cat sits on the mat.", "Interest rates rose again."]


def patience(call: dict[str, Any]) -> dict[str, Any]:
    """What both clients take: tries, headers, and a time-out in seconds where there is one."""
    given: dict[str, Any] = {
        "api_key": call["key"],
        "max_retries": call["retries"],
        "default_headers": call["headers"],
    }
    if call["timeoutMs"] is not None:
        given["timeout"] = call["timeoutMs"] / 1000
    return given


def failure(error: Exception) -> dict[str, Any]:
    response = getattr(error, "response", None)
    body = getattr(error, "body", None) or {}
    return {
        "kind": type(error).__name__,
        "status": getattr(error, "status_code", None),
        # One of the clients hands on the whole body, the other what is in it.
        "type": body.get("error", body).get("type") if isinstance(body, dict) else None,
        "retryAfter": response.headers.get("retry-after") if response is not None else None,
        "message": str(error),
    }


def serve(steps: dict[str, Step]) -> None:
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            said: dict[str, Any] = {"seen": steps[asked["step"]](asked["call"])}
        except Exception as error:  # Whatever a client throws is what was to be found out.
            said = {"failure": failure(error)}
        print(json.dumps(said), flush=True)
