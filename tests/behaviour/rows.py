"""Labelled rows in English and Chinese, and a model that answers from a table."""

from __future__ import annotations

from collections.abc import Callable

from intentflow.behaviour.rows import Suite, read_suite
from intentflow.records import Example
from intentflow.taxonomy import Intent, Taxonomy

TAXONOMY = Taxonomy(
    intents={
        "play_music": Intent(parameters=["artist"]),
        "book_table": Intent(parameters=["place", "time"]),
        "weather": Intent(parameters=["city"], min_parameters=1),
        "oos": Intent(),
    },
    out_of_scope="oos",
)
ENGLISH = [
    Example("play some music of Abba", "play_music(Abba)"),
    Example("play songs of Miles Davis", "play_music(Miles Davis)"),
    Example("I want to hear Nina Simone", "play_music(Nina Simone)"),
    Example("start the radio with Queen", "play_music(Queen)"),
    Example("Book a table at Da Vinci for tonight", "book_table(Da Vinci)"),
    Example("reserve dinner at The Anchor", "book_table(The Anchor)"),
    Example("could you get seats at Chez Paul", "book_table(Chez Paul)"),
    Example("I want to know the weather in Rome, please", "weather(Rome)"),
    Example("what is the weather like in Paris", "weather(Paris)"),
    Example("tell me about rain in Berlin", "weather(Berlin)"),
    Example("will it snow in Oslo", "weather(Oslo)"),
    Example("play the songs of Queen, and book me a table", "play_music(Queen); book_table()"),
    Example("what is the meaning of life", "oos()"),
]
CHINESE = [
    Example("帮我查询上海今天的天气", "weather(上海)"),
    Example("北京明天会下雨吗", "weather(北京)"),
    Example("我想知道杭州热不热", "weather(杭州)"),
    Example("播放周杰伦的音乐", "play_music(周杰伦)"),
    Example("我要听王菲唱的歌", "play_music(王菲)"),
    Example("来一首邓丽君", "play_music(邓丽君)"),
    Example("我想预订一家餐厅，在上海，晚上七点", "book_table(上海,晚上七点)"),
    Example("人生的意义是什么", "oos()"),
]


def suite(examples: list[Example], taxonomy: Taxonomy = TAXONOMY) -> Suite:
    """The rows as edits take them."""
    return read_suite(examples, taxonomy)


def table_model(
    labels: dict[str, str], otherwise: Callable[[str], str] = lambda _: "oos()"
) -> Callable[[str], str]:
    """A model that knows some texts, and answers others by a rule."""
    return lambda text: labels.get(text) or otherwise(text)
