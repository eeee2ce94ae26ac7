"""torch.nn modules, torch.optim optimizers, learning-rate schedules, torch.utils.data, nn.init."""

from __future__ import annotations

from typing import Any

import numpy as np

from .cases import Case, distinct, integers, normal, positive, uniform


def module(name: str, arguments: tuple[Any, ...], *inputs: Any, rtol: float = 1e-5,
           atol: float = 2e-6, **options: Any) -> Case:
    """``torch.nn.<first word of name>(*arguments, **options)`` called with the inputs."""
    kind = name.split()[0]
    return Case(name, lambda t: getattr(t.nn, kind)(*arguments, **options), *inputs, rtol=rtol,
                atol=atol)


ACTIVATIONS = ["ReLU", "ReLU6", "ELU", "SELU", "CELU", "GELU", "SiLU", "Mish", "Softplus",
               "Softsign", "Tanhshrink", "Hardtanh", "Hardswish", "Hardsigmoid", "LeakyReLU",
               "LogSigmoid", "Sigmoid", "Tanh", "Softshrink", "Hardshrink", "Identity"]

# Modules whose two modes differ only in what check_module compares (running statistics) or not at
# all. Dropout with a positive rate is compared in evaluation mode only, see EVALUATION.
MODULES = [
    *[module(name, (), normal(3, 5)) for name in ACTIVATIONS],
    module("ReLU in place", (), normal(3, 5)),
    module("LeakyReLU slope", (0.2,), normal(3, 5)),
    module("PReLU", (), normal(3, 5)),
    module("PReLU per channel", (5,), normal(3, 5)),
    module("Softmax", (), normal(3, 5), dim=1),
    module("LogSoftmax", (), normal(3, 5), dim=-1),
    module("GELU tanh", (), normal(3, 5), approximate="tanh"),
    module("GLU", (), normal(3, 6)),
    module("Linear", (4, 5), normal(3, 4)),
    module("Linear no bias", (4, 5), normal(3, 4), bias=False),
    module("Linear keywords", (), normal(2, 3, 4), in_features=4, out_features=2),
    module("Bilinear", (4, 2, 5), normal(3, 4), normal(3, 2)),
    module("Flatten", (), normal(2, 3, 4)),
    module("Unflatten", (1, (2, 3)), normal(2, 6)),
    module("Embedding", (6, 3), integers(0, 6, 2, 4)),
    module("Embedding padding", (6, 3), integers(0, 3, 2, 4), padding_idx=0),
    module("EmbeddingBag", (6, 3), integers(0, 6, 2, 4), mode="mean"),
    module("Conv1d", (3, 4, 3), normal(2, 3, 9)),
    module("Conv1d options", (4, 6, 3), normal(2, 4, 12), stride=2, padding=2, dilation=2,
           groups=2),
    module("Conv2d", (3, 4, 3), normal(2, 3, 7, 8)),
    module("Conv2d padding", (1, 4), normal(2, 1, 8, 8), kernel_size=3, stride=1, padding=1),
    module("Conv2d no bias", (3, 4, (3, 2)), normal(2, 3, 7, 8), bias=False, stride=(2, 1)),
    module("Conv2d groups", (4, 8, 3), normal(2, 4, 6, 6), groups=4, padding="same"),
    module("Conv2d reflect", (2, 3, 3), normal(1, 2, 5, 5), padding=1, padding_mode="reflect"),
    module("Conv2d circular", (2, 3, 3), normal(1, 2, 5, 5), padding=1, padding_mode="circular"),
    module("Conv3d", (2, 3, 2), normal(1, 2, 4, 4, 4)),
    module("ConvTranspose1d", (3, 4, 3), normal(2, 3, 5), stride=2),
    module("ConvTranspose2d", (3, 4, 3), normal(2, 3, 5, 5), stride=2, padding=1,
           output_padding=1),
    module("ConvTranspose3d", (2, 3, 2), normal(1, 2, 3, 3, 3)),
    module("MaxPool1d", (2,), distinct(2, 3, 9)),
    module("MaxPool2d", (2,), distinct(2, 3, 7, 8)),
    module("MaxPool2d options", (3,), distinct(2, 3, 7, 8), stride=2, padding=1, ceil_mode=True),
    module("MaxPool2d keywords", (), distinct(2, 3, 8, 8), kernel_size=2, stride=2),
    module("MaxPool3d", (2,), distinct(1, 2, 4, 4, 4)),
    module("AvgPool1d", (2,), normal(2, 3, 9)),
    module("AvgPool2d", (2,), normal(2, 3, 7, 8)),
    module("AvgPool2d options", (3, 2, 1), normal(2, 3, 7, 8), count_include_pad=False),
    module("AvgPool3d", (2,), normal(1, 2, 4, 4, 4)),
    module("AdaptiveAvgPool1d", (3,), normal(2, 3, 8)),
    module("AdaptiveAvgPool2d", (1,), normal(2, 3, 7, 8)),
    module("AdaptiveAvgPool2d pair", ((2, 3),), normal(2, 3, 7, 8)),
    module("AdaptiveMaxPool2d", (2,), distinct(2, 3, 7, 8)),
    module("ZeroPad2d", (1,), normal(1, 2, 3, 3)),
    module("ConstantPad2d", ((1, 2, 0, 1), 3.5), normal(1, 2, 3, 3)),
    module("ReflectionPad2d", (1,), normal(1, 2, 3, 3)),
    module("ReplicationPad2d", (1,), normal(1, 2, 3, 3)),
    module("Upsample", (), normal(1, 2, 3, 3), scale_factor=2),
    module("Upsample bilinear", (), normal(1, 2, 3, 3), scale_factor=2, mode="bilinear"),
    module("PixelShuffle", (2,), normal(1, 4, 3, 3)),
    module("Unfold", (3,), normal(1, 2, 5, 5)),
    module("BatchNorm1d", (3,), normal(6, 3), rtol=1e-4, atol=1e-5),
    module("BatchNorm1d sequence", (3,), normal(4, 3, 5), rtol=1e-4, atol=1e-5),
    module("BatchNorm2d", (3,), normal(4, 3, 5, 5), rtol=1e-4, atol=1e-5),
    module("BatchNorm2d options", (3,), normal(4, 3, 5, 5), eps=1e-3, momentum=0.3, affine=False,
           rtol=1e-4, atol=1e-5),
    module("BatchNorm2d cumulative", (3,), normal(4, 3, 5, 5), momentum=None, rtol=1e-4,
           atol=1e-5),
    module("BatchNorm2d without statistics", (3,), normal(4, 3, 5, 5), track_running_stats=False,
           rtol=1e-4, atol=1e-5),
    module("BatchNorm3d", (2,), normal(2, 2, 3, 3, 3), rtol=1e-4, atol=1e-5),
    module("LayerNorm", (4,), normal(2, 3, 4), rtol=1e-4, atol=1e-5),
    module("LayerNorm two axes", ((3, 4),), normal(2, 3, 4), rtol=1e-4, atol=1e-5),
    module("LayerNorm plain", (4,), normal(2, 3, 4), elementwise_affine=False, rtol=1e-4,
           atol=1e-5),
    module("GroupNorm", (2, 4), normal(2, 4, 3, 3), rtol=1e-4, atol=1e-5),
    module("InstanceNorm2d", (3,), normal(2, 3, 4, 4), rtol=1e-4, atol=1e-5),
    module("InstanceNorm2d affine", (3,), normal(2, 3, 4, 4), affine=True, rtol=1e-4, atol=1e-5),
    module("RMSNorm", (4,), normal(2, 3, 4), rtol=1e-4, atol=1e-5),
    module("LocalResponseNorm", (3,), normal(2, 5, 3, 3)),
    module("CosineSimilarity", (), normal(3, 4), normal(3, 4), dim=1),
    module("PairwiseDistance", (), normal(3, 4), normal(3, 4)),
    module("RNN", (3, 4), normal(5, 2, 3), rtol=1e-4, atol=1e-5),
    module("RNN relu batch first", (3, 4), normal(2, 5, 3), nonlinearity="relu", batch_first=True,
           rtol=1e-4, atol=1e-5),
    module("LSTM", (3, 4), normal(5, 2, 3), rtol=1e-4, atol=1e-5),
    module("LSTM layers", (3, 4, 2), normal(2, 5, 3), batch_first=True, rtol=1e-4, atol=1e-5),
    module("LSTM bidirectional", (3, 4), normal(5, 2, 3), bidirectional=True, rtol=1e-4,
           atol=1e-5),
    module("LSTM no bias", (3, 4), normal(5, 2, 3), bias=False, rtol=1e-4, atol=1e-5),
    module("LSTM projection", (3, 4), normal(5, 2, 3), proj_size=2, rtol=1e-4, atol=1e-5),
    module("LSTM without batch", (3, 4), normal(5, 3), rtol=1e-4, atol=1e-5),
    module("GRU", (3, 4), normal(5, 2, 3), rtol=1e-4, atol=1e-5),
    module("GRU both", (3, 4, 2), normal(2, 5, 3), batch_first=True, bidirectional=True,
           rtol=1e-4, atol=1e-5),
    module("GRU with state", (3, 4), normal(5, 2, 3), normal(1, 2, 4), rtol=1e-4, atol=1e-5),
    module("RNNCell", (3, 4), normal(2, 3), rtol=1e-4, atol=1e-5),
    module("LSTMCell", (3, 4), normal(2, 3), rtol=1e-4, atol=1e-5),
    module("GRUCell", (3, 4), normal(2, 3), normal(2, 4), rtol=1e-4, atol=1e-5),
    module("MultiheadAttention", (8, 2), *[normal(5, 2, 8)] * 3, rtol=1e-4, atol=1e-5),
    module("MultiheadAttention batch first", (8, 2), normal(2, 3, 8), normal(2, 5, 8),
           normal(2, 5, 8), batch_first=True, rtol=1e-4, atol=1e-5),
    module("MultiheadAttention kdim", (8, 2), normal(5, 2, 8), normal(4, 2, 3), normal(4, 2, 6),
           kdim=3, vdim=6, rtol=1e-4, atol=1e-5),
    module("TransformerEncoderLayer", (8, 2, 16), normal(5, 2, 8), dropout=0.0, rtol=1e-4,
           atol=1e-5),
    module("TransformerEncoderLayer pre-norm", (8, 2, 16), normal(2, 5, 8), dropout=0.0,
           batch_first=True, norm_first=True, activation="gelu", rtol=1e-4, atol=1e-5),
    module("TransformerDecoderLayer", (8, 2, 16), normal(5, 2, 8), normal(4, 2, 8), dropout=0.0,
           rtol=1e-4, atol=1e-5),
    module("Dropout of nothing", (0.0,), normal(3, 4)),
    module("MSELoss", (), normal(3, 4), normal(3, 4)),
    module("L1Loss", (), normal(3, 4), normal(3, 4), reduction="sum"),
    module("SmoothL1Loss", (), normal(3, 4), normal(3, 4), beta=0.5),
    module("HuberLoss", (), normal(3, 4), normal(3, 4), delta=0.5),
    module("CrossEntropyLoss", (), normal(6, 5), integers(0, 5, 6)),
    module("CrossEntropyLoss options", (), normal(6, 5), integers(0, 5, 6), reduction="sum",
           label_smoothing=0.1, ignore_index=2),
    module("NLLLoss", (), normal(6, 5), integers(0, 5, 6)),
    module("BCELoss", (), uniform(0.1, 0.9, 4), uniform(0, 1, 4).constant()),
    module("BCEWithLogitsLoss", (), normal(4), uniform(0, 1, 4).constant()),
    module("KLDivLoss", (), normal(3, 4), uniform(0.1, 1, 3, 4), reduction="batchmean"),
    module("HingeEmbeddingLoss", (), normal(4), np.array([1.0, -1, 1, -1], "float32")),
    module("CosineEmbeddingLoss", (), normal(4, 3), normal(4, 3), np.array([1, -1, 1, -1])),
    module("TripletMarginLoss", (), *[normal(4, 3)] * 3),
    module("MarginRankingLoss", (), normal(4), normal(4), np.array([1.0, -1, 1, -1], "float32")),
    module("GaussianNLLLoss", (), normal(4), normal(4), positive(4)),
    module("PoissonNLLLoss", (), normal(4), positive(4)),
    Case("Sequential", lambda t: t.nn.Sequential(
        t.nn.Linear(4, 8), t.nn.ReLU(), t.nn.Linear(8, 3)), normal(5, 4)),
    Case("Sequential CNN", lambda t: t.nn.Sequential(
        t.nn.Conv2d(1, 3, 3, padding=1), t.nn.BatchNorm2d(3), t.nn.ReLU(), t.nn.MaxPool2d(2),
        t.nn.Flatten(), t.nn.Linear(48, 5)), distinct(2, 1, 8, 8), rtol=1e-4, atol=1e-4),
    Case("TransformerEncoder", lambda t: t.nn.TransformerEncoder(
        t.nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True), 2,
        enable_nested_tensor=False), normal(2, 3, 8), rtol=1e-4, atol=1e-5),
]

EVALUATION = [
    module("Dropout", (0.5,), normal(3, 4)),
    module("Dropout1d", (0.5,), normal(2, 3, 4)),
    module("Dropout2d", (), normal(2, 3, 4, 4), p=0.25),
    module("AlphaDropout", (0.5,), normal(3, 4)),
    module("LSTM with dropout", (3, 4, 2), normal(5, 2, 3), dropout=0.5, rtol=1e-4, atol=1e-5),
    module("TransformerEncoderLayer with dropout", (8, 2, 16), normal(5, 2, 8), rtol=1e-4,
           atol=1e-5),
    module("RReLU", (), normal(3, 4)),
]


def optimizer(name: str, **options: Any) -> Case:
    kind = name.split()[0]
    return Case(name, lambda t, parameters: getattr(t.optim, kind)(parameters, **options))


def groups(t: Any, parameters: list[Any]) -> Any:
    if len(parameters) == 1:
        return t.optim.SGD([{"params": parameters}], lr=0.05, momentum=0.9)
    return t.optim.SGD([{"params": parameters[:1]}, {"params": parameters[1:], "lr": 0.2,
                                                     "weight_decay": 0.1}], lr=0.05, momentum=0.9)


OPTIMIZERS = [
    optimizer("SGD", lr=0.1),
    optimizer("SGD default rate"),
    optimizer("SGD momentum", lr=0.1, momentum=0.9),
    optimizer("SGD dampening", lr=0.1, momentum=0.9, dampening=0.3),
    optimizer("SGD nesterov", lr=0.1, momentum=0.9, nesterov=True),
    optimizer("SGD weight decay", lr=0.1, weight_decay=0.1),
    optimizer("SGD everything", lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.05,
              maximize=True),
    Case("SGD parameter groups", groups),
    optimizer("Adam"),
    optimizer("Adam options", lr=0.01, betas=(0.8, 0.99), eps=1e-6, weight_decay=0.1),
    optimizer("Adam amsgrad", lr=0.05, amsgrad=True),
    optimizer("Adam maximize", lr=0.05, maximize=True),
    optimizer("AdamW"),
    optimizer("AdamW options", lr=0.05, weight_decay=0.2, amsgrad=True),
    optimizer("NAdam", lr=0.02),
    optimizer("NAdam decoupled", lr=0.02, weight_decay=0.1, decoupled_weight_decay=True),
    optimizer("RAdam", lr=0.02),
    optimizer("Adamax", lr=0.02, weight_decay=0.1),
    optimizer("RMSprop"),
    optimizer("RMSprop options", lr=0.01, alpha=0.9, eps=1e-6, weight_decay=0.1, momentum=0.5,
              centered=True),
    optimizer("Adagrad"),
    optimizer("Adagrad options", lr=0.1, lr_decay=0.1, weight_decay=0.05,
              initial_accumulator_value=0.1),
    optimizer("Adadelta"),
    optimizer("Adadelta options", lr=0.5, rho=0.8, weight_decay=0.1),
    optimizer("Rprop", lr=0.01),
    optimizer("ASGD", lr=0.05),
]


def schedule(name: str, *arguments: Any, **options: Any) -> Case:
    kind = name.split()[0]
    return Case(name, lambda t, opt: getattr(t.optim.lr_scheduler, kind)(
        opt, *arguments, **options), rtol=1e-6)


def chained(t: Any, opt: Any) -> Any:
    s = t.optim.lr_scheduler
    return s.SequentialLR(opt, [s.LinearLR(opt, 0.1, total_iters=4), s.ExponentialLR(opt, 0.8)],
                          milestones=[4])


SCHEDULES = [
    schedule("StepLR", 3),
    schedule("StepLR gamma", step_size=2, gamma=0.5),
    schedule("MultiStepLR", [2, 5, 9]),
    schedule("MultiStepLR gamma", milestones=[4], gamma=0.3),
    schedule("ExponentialLR", 0.9),
    schedule("CosineAnnealingLR", 8),
    schedule("CosineAnnealingLR minimum", T_max=12, eta_min=0.01),
    schedule("CosineAnnealingWarmRestarts", 4),
    schedule("LinearLR"),
    schedule("LinearLR options", start_factor=0.5, end_factor=0.8, total_iters=6),
    schedule("ConstantLR", factor=0.5, total_iters=4),
    schedule("PolynomialLR", total_iters=8, power=2.0),
    schedule("LambdaLR", lambda step: 0.95 ** step),
    schedule("MultiplicativeLR", lambda step: 0.9),
    schedule("OneCycleLR", max_lr=0.5, total_steps=12),
    schedule("OneCycleLR linear", max_lr=0.5, total_steps=12, anneal_strategy="linear",
             pct_start=0.4),
    schedule("CyclicLR", base_lr=0.01, max_lr=0.1, step_size_up=3),
    schedule("ReduceLROnPlateau", patience=1),
    schedule("ReduceLROnPlateau options", factor=0.5, patience=2, threshold=0.01, cooldown=1,
             min_lr=0.02),
    Case("SequentialLR", chained, rtol=1e-6),
]


def data_sets(t: Any) -> Any:
    data = t.utils.data
    x, y = t.arange(20).reshape(10, 2).float(), t.arange(10)
    whole = data.TensorDataset(x, y)
    loader = data.DataLoader(whole, batch_size=4)
    dropped = data.DataLoader(whole, batch_size=4, drop_last=True)
    subset = data.Subset(whole, [1, 3, 5])
    joined = data.ConcatDataset([whole, subset])
    return [list(loader), len(loader), list(dropped), len(whole), whole[3], len(subset), subset[2],
            len(joined), joined[11], list(data.DataLoader(subset, batch_size=None))]


def own_dataset(t: Any) -> Any:
    class Squares(t.utils.data.Dataset):
        def __len__(self) -> int:
            return 5

        def __getitem__(self, index: int) -> Any:
            return {"x": float(index), "y": np.array([index], "float32"), "z": index,
                    "name": f"n{index}"}

    batches = list(t.utils.data.DataLoader(Squares(), batch_size=2))
    return [[b["x"], b["y"], b["z"], list(b["name"])] for b in batches]


def splits(t: Any) -> Any:
    data = t.utils.data
    whole = data.TensorDataset(t.arange(10))
    first, second = data.random_split(whole, [7, 3])
    parts = data.random_split(whole, [0.5, 0.25, 0.25])
    together = sorted(int(part[i][0]) for part in (first, second) for i in range(len(part)))
    return [len(first), len(second), together, [len(part) for part in parts]]


def samplers(t: Any) -> Any:
    data = t.utils.data
    whole = data.TensorDataset(t.arange(10))
    shuffled = [int(v) for (b,) in data.DataLoader(whole, batch_size=3, shuffle=True) for v in b]
    weighted = data.WeightedRandomSampler([0.0, 1.0, 0.0], 5)
    return [sorted(shuffled), list(data.SequentialSampler(whole)),
            list(data.BatchSampler(data.SequentialSampler(whole), 4, False)),
            sorted(data.RandomSampler(whole)), list(weighted)]


def module_facts(t: Any) -> Any:
    class Net(t.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = t.nn.ModuleList([t.nn.Linear(2, 3), t.nn.Linear(3, 2)])
            self.heads = t.nn.ModuleDict({"a": t.nn.Linear(2, 1), "b": t.nn.Linear(2, 1)})
            self.scale = t.nn.Parameter(t.ones(2))
            self.register_buffer("count", t.zeros(1))
            self.register_buffer("scratch", t.zeros(1), persistent=False)

        def forward(self, x: Any) -> Any:
            for layer in self.body:
                x = t.relu(layer(x))
            return self.heads["a"](x * self.scale)

    net = Net()
    calls: list[str] = []
    net.body[0].register_forward_hook(lambda m, i, o: calls.append("after"))
    net.body[0].register_forward_pre_hook(lambda m, i: calls.append("before"))
    out = net(t.ones(4, 2))
    for parameter in net.heads["b"].parameters():
        parameter.requires_grad = False
    before = net.training
    net.eval()
    net.apply(lambda m: calls.append(type(m).__name__))
    net.zero_grad()
    return [list(net.state_dict()), [n for n, _ in net.named_parameters()],
            [n for n, _ in net.named_modules()], [n for n, _ in net.named_children()],
            [n for n, _ in net.named_buffers()], repr(net), tuple(out.shape), calls, before,
            net.training, net.body[1].training, sum(p.numel() for p in net.parameters()),
            sum(p.requires_grad for p in net.parameters()), len(net.body),
            tuple(net.get_parameter("scale").shape), "a" in net.heads]


def initialisers(t: Any) -> Any:
    init = t.nn.init
    w = t.empty(200, 300)
    expected = {"xavier_uniform_": (2 / 500) ** 0.5, "xavier_normal_": (2 / 500) ** 0.5,
                "kaiming_uniform_": (2 / 300) ** 0.5, "kaiming_normal_": (2 / 300) ** 0.5,
                "uniform_": (1 / 12) ** 0.5, "normal_": 1.0}
    found: list[Any] = []
    for name, deviation in expected.items():
        getattr(init, name)(w)
        uniform = deviation * 3 ** 0.5 if name != "uniform_" else 1.0
        inside = "uniform" not in name or 0.99 * uniform < float(w.abs().max()) <= uniform
        found.append((name, abs(float(w.std()) / deviation - 1) < 0.03, inside))
    init.orthogonal_(w[:50])
    return [found, t.allclose(w[:50] @ w[:50].t(), t.eye(50), atol=1e-4),
            init.constant_(t.empty(2), 3.0), init.zeros_(t.empty(2)), init.ones_(t.empty(2)),
            init.eye_(t.empty(2, 2)), init.calculate_gain("relu"),
            init.calculate_gain("leaky_relu", 0.2), init.calculate_gain("tanh")]


def default_initialisation(t: Any) -> Any:
    """Weights and biases fill -1/sqrt(fan in) .. 1/sqrt(fan in) (1/sqrt(hidden) in an LSTM)."""
    found = []
    for layer, inputs in ((t.nn.Linear(100, 300), 100), (t.nn.Conv2d(8, 64, 5), 200),
                          (t.nn.LSTM(30, 64), 64)):
        for name, value in layer.named_parameters():
            largest = float(value.detach().abs().max()) * inputs ** 0.5
            found.append((name, 0.85 < largest <= 1.0))
    embedding = t.nn.Embedding(100, 100)
    return [found, round(float(embedding.weight.detach().std()), 1)]


MACHINERY = [
    Case("TensorDataset, DataLoader, Subset, ConcatDataset", data_sets),
    Case("own Dataset is collated", own_dataset),
    Case("random_split", splits),
    Case("samplers", samplers),
    Case("default_collate", lambda t: t.utils.data.default_collate(
        [(1, 2.5, t.ones(2)), (3, 4.5, t.zeros(2))])),
    Case("Module", module_facts),
    Case("nn.init", initialisers),
    Case("default initialisation", default_initialisation),
    Case("manual_seed repeats", lambda t: [
        t.manual_seed(3), a := t.rand(4), t.manual_seed(3), t.equal(a, t.rand(4))][3]),
    Case("Generator repeats", lambda t: t.equal(
        t.rand(4, generator=t.Generator().manual_seed(1)),
        t.rand(4, generator=t.Generator().manual_seed(1)))),
    Case("devices", lambda t: [t.cuda.is_available(), str(t.device("cpu")),
                               str(t.ones(1).to("cpu").device), t.cuda.device_count(),
                               str(t.device("cuda" if t.cuda.is_available() else "cpu"))]),
]
