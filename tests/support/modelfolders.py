"""Model folders as other tools leave them: Trainer's, the hub's snapshots, and the hub's cache."""

from __future__ import annotations

import hashlib
import pickle
from pathlib import Path

REVISION = "0123456789abcdef0123456789abcdef01234567"

TRAINER = (
    "training_args.bin", "optimizer.pt", "scheduler.pt", "scaler.pt", "rng_state.pth", "rng_state_0.pth",
    "trainer_state.json", "global_step10/mp_rank_00_model_states.pt", "runs/Nov28/events.out.tfevents.1.host.2.0",
    "checkpoint-5/pytorch_model.bin", "zero_to_fp32.py", "latest", "README.md",
)  # fmt: skip
SNAPSHOT = (
    "pytorch_model.bin", "pytorch_model.bin.index.json", "tf_model.h5", "flax_model.msgpack", "model.ckpt.index",
    "onnx/model.onnx", "original/consolidated.00.pth", "original/params.json", "consolidated.safetensors",
    "model-q4.gguf", "logo.png", ".gitattributes", "README.md", "LICENSE", "USE_POLICY.md", "modeling_mine.py",
    "custom_generate/generate.py", "tokenizer.model", "vocab.txt", "eval/results.yaml", "configuration.json",
)  # fmt: skip


def litter(folder: Path, names: tuple[str, ...]) -> Path:
    """Put these files beside a model: pickles that would shout if loaded, and others with bytes that mean nothing."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pickle.dumps({"name": name}) if path.suffix in (".bin", ".pt", ".pth") else b"\x00 anything")
    return folder


def cached(folder: Path, cache: Path, repository: str = "some/model", revision: str = REVISION) -> Path:
    """The same files as the hub's client keeps them: a snapshot of links to blobs. Gives the snapshot."""
    place = cache / f"models--{repository.replace('/', '--')}"
    snapshot = place / "snapshots" / revision
    (place / "blobs").mkdir(parents=True, exist_ok=True)
    (place / "refs").mkdir(exist_ok=True)
    (place / "refs" / "main").write_text(revision, encoding="ascii")
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        blob = place / "blobs" / hashlib.sha256(path.read_bytes()).hexdigest()
        blob.write_bytes(path.read_bytes())
        link = snapshot / path.relative_to(folder)
        link.parent.mkdir(parents=True, exist_ok=True)
        up = "/".join([".."] * (len(link.relative_to(place).parts) - 1))
        link.symlink_to(f"{up}/blobs/{blob.name}")
    return snapshot
