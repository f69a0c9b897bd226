"""Survey of an export for the order of parameters that it has by name.

The position of a parameter must mean the same in every row, so all rows are read before the first
one is written. Only exports with named values need this second reading.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from intentflow.conversion.blocks import convert_stream
from intentflow.conversion.column_choice import choose_columns
from intentflow.conversion.export_format import Format, Options
from intentflow.conversion.formats import detect_layout
from intentflow.conversion.limits import LimitExceeded
from intentflow.conversion.parameter_order import OrderSurvey, ParameterOrder
from intentflow.conversion.sources import Source, open_source
from intentflow.errors import InputError


def survey_order(sources: Sequence[Source], form: Format, options: Options) -> ParameterOrder:
    """The order of each intent's parameters in all rows of some files.

    Args:
        sources: The files.
        form: The requested format.
        options: The user's options.

    Raises:
        InputError: A file cannot be read or exceeds a limit.
    """
    survey = OrderSurvey()
    reading = replace(options, order=survey, redact=False)
    for source in sources:
        try:
            with open_source(source, options.limits) as stream:
                detected = detect_layout(form, stream, source.path, options.limits)
                own = choose_columns(source, detected, reading)
                for _ in convert_stream(stream, detected, own):
                    pass
        except LimitExceeded as error:
            raise InputError(f"{source.name}: {error}") from None
    return survey.finish()
