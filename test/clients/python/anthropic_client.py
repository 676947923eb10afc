"""`anthropic` of PyPI."""

from typing import Any

from anthropic import Anthropic
from pydantic import BaseModel
from wire import WEATHER, WEATHER_RESULT, patience, serve

TOOLS: Any = [
    {"name": WEATHER["name"], "description": WEATHER["description"], "input_schema": WEATHER["parameters"]},
]


class Reading(BaseModel):
    city: str
    degrees: int


def client(call: dict[str, Any]) -> Anthropic:
    return Anthropic(base_url=call["url"], auth_token=None, **patience(call))


def asked(call: dict[str, Any]) -> dict[str, Any]:
    question = {"role": "user", "content": call["prompt"]}
    return {"model": call["model"], "max_tokens": 200, "messages": [question]}


def text_of(message: Any) -> str:
    return "".join(block.text for block in message.content if block.type == "text")


def chat(call: dict[str, Any]) -> dict[str, Any]:
    message = client(call).messages.create(**asked(call))
    return {
        "text": text_of(message),
        "inputTokens": message.usage.input_tokens,
        "outputTokens": message.usage.output_tokens,
    }


def stream(call: dict[str, Any]) -> dict[str, Any]:
    with client(call).messages.stream(**asked(call)) as events:
        pieces = [text for text in events.text_stream]
        message = events.get_final_message()
    return {"text": text_of(message), "pieces": len(pieces), "outputTokens": message.usage.output_tokens}


def with_tools(call: dict[str, Any], ask: Any) -> dict[str, Any]:
    body = asked(call)
    first = ask(**body, tools=TOOLS)
    calls = [block for block in first.content if block.type == "tool_use"]
    results = [{"type": "tool_result", "tool_use_id": one.id, "content": WEATHER_RESULT} for one in calls]
    turns = [
        *body["messages"],
        {"role": "assistant", "content": first.content},
        {"role": "user", "content": results},
    ]
    second = ask(**{**body, "messages": turns}, tools=TOOLS)
    return {"toolCalls": [{"name": one.name, "input": one.input} for one in calls], "text": text_of(second)}


def tools(call: dict[str, Any]) -> dict[str, Any]:
    return with_tools(call, client(call).messages.create)


def streamed_tools(call: dict[str, Any]) -> dict[str, Any]:
    def ask(**body: Any) -> Any:
        with client(call).messages.stream(**body) as events:
            return events.get_final_message()

    return with_tools(call, ask)


def structured(call: dict[str, Any]) -> dict[str, Any]:
    parsed = client(call).messages.parse(**asked(call), output_format=Reading).parsed_output
    return {"value": parsed.model_dump() if parsed else None}


def abort(call: dict[str, Any]) -> dict[str, Any]:
    with client(call).messages.stream(**asked(call)) as events:
        for text in events.text_stream:
            return {"text": text}
    return {}


def models(call: dict[str, Any]) -> dict[str, Any]:
    return {"names": [one.id for one in client(call).models.list().data]}


def count_tokens(call: dict[str, Any]) -> dict[str, Any]:
    body = asked(call)
    counted = client(call).messages.count_tokens(model=body["model"], messages=body["messages"])
    return {"inputTokens": counted.input_tokens}


serve(
    {
        "chat": chat,
        "stream": stream,
        "tools": tools,
        "streamedTools": streamed_tools,
        "structured": structured,
        "abort": abort,
        "models": models,
        "countTokens": count_tokens,
    }
)
