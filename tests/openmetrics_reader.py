"""The metrics' document for tests, read by prometheus_client: what the format forbids is a ValueError."""

from dataclasses import dataclass

from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families


@dataclass(frozen=True)
class Document:
    families: dict[str, Metric]

    def value(self, name: str, **labels: str) -> float:
        (found,) = (sample.value for sample in self.families[name].samples if sample.labels == labels)
        return found


def read(text: str) -> Document:
    """The metrics and their samples."""
    return Document({metric.name: metric for metric in text_string_to_metric_families(text)})
