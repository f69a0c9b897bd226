"""Baseline: a BERT-type encoder, fine-tuned with a classification head."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from intentflow.baselines.answers import Answers
from intentflow.baselines.labels import LabelledTexts
from intentflow.baselines.targets import Targets
from intentflow.errors import InputError

BUNDLED_ENCODER = "bundled:minilm"
BATCH_ROWS = 32
LEARNING_RATE = 3e-4
_ENOUGH_STEPS = 220


def answer_by_encoder(
    training: LabelledTexts,
    utterances: Sequence[str],
    name: str = BUNDLED_ENCODER,
    epochs: int | None = None,
    seed: int = 0,
) -> Answers:
    """Predict labels with an encoder, fine-tuned completely, with a new head over the labels.

    Args:
        training: Training rows.
        utterances: Texts to label; texts longer than the encoder's maximum are truncated.
        name: Hub id, local folder or ``bundled:minilm``.
        epochs: Number of passes over the rows; :func:`usual_epochs` if None.
        seed: Seed of the head, the order of rows and dropout.

    Raises:
        InputError: All rows have one label, or the encoder does not exist or has no padding.
        ModuleNotFoundError: The ``train`` extra is not installed.
    """
    epochs = epochs or usual_epochs(len(training.texts))
    started = time.perf_counter()
    classifier = fit_encoder(training, name, epochs, seed)
    trained = time.perf_counter()
    predicted, _ = classifier.answer(utterances)
    about = (
        f"{name} with a classification head, all weights trained on {len(training.texts)} rows "
        f"{classifier.targets.about}: {epochs} epochs of batches of {BATCH_ROWS} at "
        f"{LEARNING_RATE:g}."
    )
    return Answers(predicted, about, trained - started, time.perf_counter() - trained)


@dataclass(frozen=True)
class EncoderClassifier:
    """A fine-tuned encoder; see :func:`fit_encoder`.

    Attributes:
        targets: Outputs of the classifier.
        tokenizer: The tokenizer.
        model: The model with its head.
    """

    targets: Targets
    tokenizer: Any
    model: Any

    def answer(self, utterances: Sequence[str]) -> tuple[list[str], list[float]]:
        """The most probable label of each utterance, and its probability in [0, 1]."""
        return _predict(self.tokenizer, self.model, utterances, self.targets)


def fit_encoder(
    training: LabelledTexts, name: str = BUNDLED_ENCODER, epochs: int | None = None, seed: int = 0
) -> EncoderClassifier:
    """Fine-tune an encoder completely, with a new head over the labels.

    Args:
        training: Training rows.
        name: Hub id, local folder or ``bundled:minilm``.
        epochs: Number of passes over the rows; :func:`usual_epochs` if None.
        seed: Seed of the head, the order of rows and dropout.

    Raises:
        InputError: All rows have one label, or the encoder does not exist or has no padding.
        ModuleNotFoundError: The ``train`` extra is not installed.
    """
    training.require_choice("encoder")
    targets = Targets.of(training.labels)
    tokenizer, model = _load(name, targets, seed)
    rows = _rows(tokenizer, model, training, targets)
    _fit(tokenizer, model, rows, epochs or usual_epochs(len(rows)), seed)
    return EncoderClassifier(targets, tokenizer, model)


def usual_epochs(rows: int) -> int:
    """Number of epochs: 5, and up to 20 for few rows, as long as there are at most 220 steps."""
    return min(max(_ENOUGH_STEPS * BATCH_ROWS // max(rows, 1), 5), 20)


def _load(name: str, targets: Targets, seed: int) -> tuple[Any, Any]:
    from transformers import set_seed

    from intentflow.models.base_models import load_classifier, load_tokenizer

    tokenizer = load_tokenizer(name)
    if tokenizer.pad_token_id is None:
        raise InputError(f"encoder {name}: its tokenizer has no padding; give a BERT-type encoder")
    set_seed(seed)  # the head is initialised at random
    model = load_classifier(name, targets.names)
    kind = "multi_label_classification" if targets.independent else "single_label_classification"
    model.config.problem_type = kind
    return tokenizer, model


def _rows(
    tokenizer: Any, model: Any, training: LabelledTexts, targets: Targets
) -> list[dict[str, Any]]:
    encoded = _encode(tokenizer, model, training.texts)
    learned = targets.learned(training.labels).tolist()
    return [
        {"input_ids": ids, "labels": wanted} for ids, wanted in zip(encoded, learned, strict=True)
    ]


def _encode(tokenizer: Any, model: Any, texts: Sequence[str]) -> list[list[int]]:
    longest = min(tokenizer.model_max_length, getattr(model.config, "max_position_embeddings", 512))
    ids: list[list[int]] = tokenizer(list(texts), truncation=True, max_length=longest)["input_ids"]
    return ids


def _fit(tokenizer: Any, model: Any, rows: list[dict[str, Any]], epochs: int, seed: int) -> None:
    from transformers import DataCollatorWithPadding, PrinterCallback, Trainer

    from intentflow.models.history import History
    from intentflow.models.progress import ProgressCallback

    tokens = sum(len(row["input_ids"]) for row in rows) / len(rows) * BATCH_ROWS
    progress = ProgressCallback(History(), tokens)
    with tempfile.TemporaryDirectory() as folder, closing(progress):
        trainer = Trainer(
            model=model,
            args=_arguments(folder, epochs, seed),
            train_dataset=rows,
            data_collator=DataCollatorWithPadding(tokenizer),
            callbacks=[progress],
        )
        trainer.remove_callback(PrinterCallback)  # the progress bar shows the same
        trainer.train()


def _arguments(folder: str, epochs: int, seed: int) -> Any:
    import torch
    from transformers import TrainingArguments

    from intentflow.models.precision import fast_precision

    return TrainingArguments(
        output_dir=folder,
        per_device_train_batch_size=BATCH_ROWS,
        num_train_epochs=epochs,
        learning_rate=LEARNING_RATE,
        lr_scheduler_type="linear",
        warmup_steps=0.1,
        weight_decay=0.01,
        optim="adamw_torch_fused",
        train_sampling_strategy="group_by_length",
        bf16=fast_precision() == "bf16",
        use_cpu=not torch.cuda.is_available(),
        dataloader_pin_memory=torch.cuda.is_available(),
        logging_steps=10,
        logging_nan_inf_filter=False,  # a loss of NaN must not be hidden
        save_strategy="no",
        disable_tqdm=True,
        report_to=[],
        seed=seed,
    )


def _predict(
    tokenizer: Any, model: Any, utterances: Sequence[str], targets: Targets
) -> tuple[list[str], list[float]]:
    """Label and confidence of each text, in batches of texts of similar length."""
    import torch

    model.eval()
    encoded = _encode(tokenizer, model, utterances)
    order = sorted(range(len(encoded)), key=lambda at: len(encoded[at]))
    found, confidences = [""] * len(encoded), [0.0] * len(encoded)
    for start in range(0, len(order), 2 * BATCH_ROWS):
        batch = order[start : start + 2 * BATCH_ROWS]
        padded = tokenizer.pad({"input_ids": [encoded[at] for at in batch]}, return_tensors="pt")
        with torch.inference_mode():
            logits = model(**padded.to(model.device)).logits.float()
        probabilities = logits.sigmoid() if targets.independent else logits.softmax(-1)
        for at, row in zip(batch, probabilities.cpu().numpy(), strict=True):
            found[at], confidences[at] = targets.label(row), targets.confidence(row)
    return found, confidences
