"""Every message that a user can be shown: a code, the offending value, and the remedy."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

PYTHON_WITHOUT_TRAX = sys.version_info >= (3, 14)  # tensorflow-text has no wheels for it yet


class SentimentError(ValueError):
    """Input that cannot be used. The message is one line: what was wrong, where, and what to do."""


class MissingExtraError(SentimentError, ImportError):
    """An optional dependency is needed for this and is not installed."""


class TrainingInterrupted(Exception):  # noqa: N818 (no error: as KeyboardInterrupt)
    """A training run was ended by Ctrl-C. The message says what was saved and how to go on."""


def missing_train_extra(error: ImportError) -> MissingExtraError:
    """Return the error for a package of the extra `train` that cannot be imported."""
    if PYTHON_WITHOUT_TRAX:
        return MissingExtraError(Errors.S049.format(version=".".join(map(str, sys.version_info[:2]))))
    return MissingExtraError(Errors.S040.format(package=error.name or "trax", reason=error))


@contextmanager
def errors_at(place: object) -> Iterator[None]:
    """Add the place to the message of a SentimentError: `[S012] texts of ...` becomes `[S012] a.jsonl: texts of ...`.

    Args:
        place: The file, source or model that the error is about, as the user named it.
    """
    try:
        yield
    except SentimentError as error:
        code, _, message = str(error).partition(" ")
        raise type(error)(f"{code} {place}: {message}") from None


@contextmanager
def os_errors_as(message: str, path: object, *others: type[Exception]) -> Iterator[None]:
    """Raise a SentimentError in place of an OSError, other than a broken pipe.

    Args:
        message: A message of `Errors` with the fields `path` and `reason`.
        path: The file that the error is about.
        others: Further kinds of error to replace, such as a library's own.
    """
    try:
        yield
    except (SentimentError, BrokenPipeError):  # a broken pipe is no error: our reader has seen enough
        raise
    except Exception as error:
        if not isinstance(error, (OSError, *others)):
            raise
        raise SentimentError(message.format(path=path, reason=reason_of(error))) from None


def reason_of(error: Exception) -> str:
    """Return an error of the system's or of a library's in one line of at most 200 characters."""
    return " ".join(str(getattr(error, "strerror", None) or error or type(error).__name__).split())[:200]


class Errors:
    # Data
    S001 = "[S001] {path}: no such file. Check the path, or name a source: nltk:twitter_samples, bundled:short_texts."
    S002 = "[S002] {path}: cannot be read ({reason}). Check that it is a readable text file."
    S003 = "[S003] {path}: holds no texts. Give a file with at least one labelled text."
    S004 = "[S004] not valid JSON ({reason}). Write one JSON object per line."
    S008 = "[S008] the label {value} is not one of {labels}. Correct it, name the labels by --labels, or rename it by --label-map."
    S009 = "[S009] not UTF-8 ({reason}). Save the file as UTF-8, {remedy}."
    S010 = "[S010] cannot be read as {format} ({reason}). Correct the line."
    S011 = "[S011] {path}: unknown format '{suffix}'. Give a .jsonl, .ndjson, .json, .csv, .tsv, .parquet or .xlsx file; all but the last two may end in .gz or .zst."
    S012 = "[S012] only these labels have texts: {label}. Give texts for each of: {labels}."
    S013 = "[S013] {source}: unknown source. There are: {sources}; or give a .jsonl, .ndjson, .json, .csv, .tsv, .parquet or .xlsx file."
    S014 = (
        "[S014] NLTK's corpus '{name}' is not on this machine, and downloading it failed ({reason}). "
        "Run `python -m nltk.downloader {name}` where there is a network, "
        "and set NLTK_DATA to the folder that holds 'corpora/{name}'."
    )
    S015 = "[S015] the label {label} has too few texts to hold out a fifth. Give at least {needed} texts per label, or held-out texts of their own (--dev)."
    S016 = "[S016] the column '{column}' holds a lone surrogate, which is not a character. Correct or remove it."
    S017 = "[S017] the reader LabelledTexts.v1 has no source. Set it in the config, or on the command line: --paths.train reviews.jsonl --paths.dev dev.jsonl."
    S018 = "[S018] longer than {limit:,} bytes. Split its text into several rows. If it should not be this long, check that lines end in line feeds and that quotes are closed."
    S019 = "[S019] {source}: none of its labels ({found}) is one of {whose}: {labels}. {remedy}."
    S160 = "[S160] the label map {value} cannot be used. Give each value once with its label, as in '1,2=negative 3=neutral 4,5=positive'."
    S161 = "[S161] the label {value} is not in the label map, which has: {known}. Add it there, or remove such rows."
    S162 = "[S162] all texts with the label {label} are training texts, too. Name another file by --dev, or leave out --dev to hold out a fifth."

    # Settings
    S020 = "[S020] the batch size {batch_size} is not {wanted}. Give a positive multiple of the number of labels, or turn off balanced batches (--no-balanced)."
    S021 = "[S021] {name} is {value}; it must be {wanted}."
    S022 = "[S022] the labels {labels} cannot be used. Give at least two different ones (on the command line, separated by commas)."
    S023 = "[S023] unknown preset '{name}'. There are: {names}."
    S024 = "[S024] unknown config '{name}'. There are: {names}."
    S025 = "[S025] the vocabulary {value} cannot be used. Give a list of different strings, like the file vocabulary.json of a saved model."
    S026 = "[S026] {path}: cannot be used as a recipe ({reason}). Name a .cfg file with the sections labels, settings, sources and dev."
    S027 = "[S027] the file has fewer texts than when training began. Leave it unchanged until training ends."
    S028 = "[S028] the labels cannot be used: {reason}. Give one label per text, a str or a number."

    # Output and models
    S030 = "[S030] {path}: already exists and is not empty. Name another directory, or replace it with --overwrite."
    S031 = "[S031] {path}: is not a spaCy pipeline, so it is not overwritten. Name another directory, or remove it yourself."
    S032 = "[S032] {path}: cannot be written ({reason}). Name a directory that you may write to."
    S033 = "[S033] {path}: no such model. {known}; `trax-sentiment train` writes others."
    S034 = "[S034] {path}: cannot be loaded as a spaCy pipeline ({reason}). Make it again with `trax-sentiment train`."
    S035 = "[S035] the pipeline {pipeline} has no component made by 'trax_sentiment'. Add one: nlp.add_pipe('trax_sentiment')."
    S036 = "[S036] {path}: no such pretrained weights. {known}. Correct `pretrained`, or set it to null and train the component."
    S037 = "[S037] the pretrained weights have the labels {labels}; the training data has {value}. Use the same labels, or `pretrained = null`."
    S038 = "[S038] {path}: was replaced each time it was read. Load it when the other process is done."
    S039 = "[S039] the model to start from has the labels {labels}; the training data has {value}. Start from a model whose labels are {wanted}, or from none."

    # Training
    S040 = "[S040] training with Trax needs {package}, which is not installed ({reason}). Install it from a clone: pip install '.[train]'."
    S041 = "[S041] the loss is {loss} at step {step}; no model was written. Lower the learning rate ({learning_rate})."
    S042 = "[S042] unknown mean '{value}'. Give 'masked' or 'plain'."
    S043 = "[S043] the layer of {layer} has a state that changes as it runs, and that is not kept. Give a layer without one (no batch normalization)."
    S044 = "[S044] the layer of {layer} returns the shape {shape} for 2 texts. Give one that ends in log-probabilities, (2, {n_labels})."
    S045 = "[S045] the saved weights have the shapes {found}, but {layer} has {expected}. Load them with the config that they were saved with."
    S046 = "[S046] the layer of {layer} has no embedding of the terms, (n_terms, width), so its scores cannot be explained. Give one that begins with an Embedding."
    S047 = "[S047] the scores of the layer of {layer} could not be explained: after {n_steps} steps, the contributions do not sum to the score. Give a smoother layer."
    S048 = "[S048] --data-parallel needs jax.pmap, which JAX {version} lacks. Leave it out, or install an older JAX."
    S049 = "[S049] training with Trax needs Python 3.11 to 3.13, and this is {version}: one of its requirements, tensorflow-text, does not support it yet. Train with an older Python; the model can be used with this one."
    S140 = "[S140] {path}: cannot hold the training data for the time of the training ({reason}). Set TMPDIR to a directory with more space."

    # Texts
    S050 = "[S050] {value} is a str. Give a list of texts; for a single one, [text]."
    S051 = "[S051] text {index} is {value}, not a str. Give strings only."
    S052 = "[S052] a text of {n_chars:,} characters cannot be tokenized as the course notebook does ({reason}). Leave it out, or split it."
    S053 = "[S053] pieces of words need a vocabulary. Name a file as `vocabulary`: BERT's vocab.txt for WordPieces.v1, a tokenizer.json for UnigramPieces.v1."
    S054 = "[S054] {path}: cannot be used as a vocabulary of word pieces ({reason}). Name a file with a piece per line, such as BERT's vocab.txt, or a whole tokenizer.json."
    S055 = "[S055] {path}: the package {package} is not installed. Install it (pip install --no-deps {project}), or name a file."
    S056 = "[S056] {path}: cannot be used as an encoder to start from ({reason}). Name a safetensors file in BERT's layout, of the sizes in the config."
    S227 = "[S227] {path}: the pieces are of the kind {found}, not {wanted}. WordPieces.v1 takes WordPiece, UnigramPieces.v1 takes Unigram, and no other kind, such as BPE, can be used."
    S228 = "[S228] {path}: neither {first} nor {second} is beside it, so the rows of its embedding are unknown. Put the one that belongs to it there."
    S229 = "[S229] {path}: cannot be used as an encoder to start from: its layout is that of RoBERTa and XLM-R, whose positions are shifted. Name a file in BERT's layout, such as a multilingual MiniLM or E5."

    # Tables
    S060 = "[S060] {path}: '{format}' is not a format that can be {what}. Give one of {formats}, as the file's suffix or by {option}."
    S061 = "[S061] {path}: cannot be read ({reason}). Check the path, and that you may read the file."
    S062 = "[S062] {path}: Parquet needs pyarrow, which is not installed ({reason}). Install it from a clone of the project: pip install '.[parquet]'."
    S063 = "[S063] {value} is not a JSON object. Write one object per line, with the key '{column}'."
    S064 = "[S064] the column '{column}' is missing; there are: {columns}. Add it, or name another column by {option}."
    S065 = "[S065] the column '{column}' is {value}, not a string. Write it as a string, or name another column by {option}."
    S066 = "[S066] has a column '{column}' already, and one of that name is to be added. Rename or remove it, or name the new columns by {option}."
    S067 = "[S067] does not fit into one table ({reason}). Correct it, or choose another format."
    S068 = "[S068] {path}: already exists. Name another file, or replace it with --overwrite."
    S069 = "[S069] {path}: cannot be written ({reason}). Name another file, in a place where you may write."
    S150 = "[S150] {path}, row {row}: holds no text. Write one, or leave out --on-error fail to keep the row without scores."
    S151 = "[S151] {delimiter!r} cannot delimit CSV. Give one character that is no quote and no end of a line, or \\t."
    S152 = "[S152] {encoding!r} is not an encoding. Give one that Python knows, such as cp1252, utf-16 or shift_jis."
    S153 = "[S153] not {encoding} ({reason}). Correct the line, or name another encoding by --encoding."
    S154 = "[S154] {path}: zstd needs backports.zstd, which is not installed ({reason}). Install it from a clone of the project: pip install '.[tables]'."
    S155 = "[S155] {path}: cannot be decompressed ({reason}). Copy the file again, or correct its suffix."
    S156 = "[S156] cannot be read as an Excel workbook ({reason}). Save it anew as .xlsx, without a password, or its sheet as .csv."
    S157 = "[S157] {path}: an Excel workbook needs openpyxl, which is not installed ({reason}). Install it from a clone of the project: pip install '.[excel]'."
    S158 = "[S158] with {part}, its parts take more than {most:,} MB when unpacked. Save its sheet as .csv."
    S170 = "[S170] tables in memory need narwhals, which is not installed ({reason}). Install it from a clone of the project: pip install '.[tables]'."
    S171 = "[S171] {value} is not a table in memory. Give a table of pyarrow, pandas or polars; if it is lazy, what its `collect()` returns."

    # Model files
    S070 = "[S070] {path}: is missing. Copy the whole model again, or make it again with `trax-sentiment train`."
    S071 = "[S071] {path}: has changed since it was written ({reason}). Copy the model again, or make it again with `trax-sentiment train`."
    S072 = "[S072] {path}: has the format version {found}, written by spacy-trax-sentiment {package}; this version reads up to {known}. Install a newer spacy-trax-sentiment."
    S073 = "[S073] {path}: does not fit the pipeline's component ({reason}). Load it with the config that it was saved with."
    S088 = "[S088] {path}: was saved with another preprocessor than {name}. Name that preprocessor in the config; a cascade takes SentimentTerms.v1 and those of Encoder.v1 only."
    S074 = "[S074] the weights '{name}' hold values that are not finite as {dtype}. Save as float32, or train again with a lower learning rate."
    S075 = "[S075] the model takes at least {size} MB, more than --max-mb {most}. Give a larger --max-mb."

    S077 = "[S077] {path}: cannot be used as a graph ({reason}). Copy the model again, or save it again where the extra 'train' is installed."
    S078 = "[S078] the model has no graph (graph.onnx), so predicting needs {package}, which is not installed ({reason}). Save the model again where the extra 'train' is installed, or install it from a clone: pip install '.[train]'."
    S079 = "[S079] a network that reads, such as en_trf, needs {package}, which is not installed ({reason}). Install it from a clone of the project: pip install '.[trf]'."

    # Cascades
    S180 = "[S180] {path}: no such model. {known}. Correct `{place}` of the cascade: name a bundled model, or a directory that holds the files of a `trax_sentiment` component."
    S181 = "[S181] {path}: cannot be one of the models of a cascade ({reason}). Name two models of the same labels in the same order, each made by Classifier.v1 with SentimentTerms.v1 or by Encoder.v1."
    S183 = "[S183] the component '{name}' is a cascade of {first} and {second}, so it cannot be trained. Train one of these, and make a cascade of the result."
    S184 = "[S184] {model}: is a cascade, which cannot be made smaller. Make each of its models smaller, and a cascade of the results."

    # Jobs
    S110 = (
        "[S110] {pattern}: no such file. Give a file, a directory, or a pattern in quotes, such as 'texts/*.parquet'."
    )
    S111 = "[S111] {path}: holds the output of another run ({field} was {found}, and is now {value}). Name another directory, or repeat the earlier command to finish that run."
    S112 = "[S112] {path}: has changed since part of it was scored. Name another output directory to score it again."
    S113 = "[S113] {path}: exists and is not the output of an earlier run. Name a new or an empty directory."
    S114 = "[S114] {path}: the process that scored it was ended {n_times} times ({reason}). Use fewer processes (--concurrency) or smaller batches (--batch-size)."
    S115 = "[S115] the engine 'ray' needs Ray Data, which is not installed ({reason}). Install it from a clone of the project: pip install '.[ray]'."
    S116 = "[S116] {path}: is read from and written to at once. Name an output directory outside the input."
    S117 = "[S117] {address}: an address needs pyarrow and fsspec, and one of them is not installed ({reason}). Install both from a clone of the project: pip install '.[parquet]'."
    S118 = "[S118] {path}: cannot be read ({reason}). Check the address, the network and the credentials (for s3: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, ~/.aws, or the machine's role)."
    S119 = "[S119] addresses of '{scheme}' are not supported. Give a path, or an address of one of these: {schemes}."
    S141 = "[S141] {path}: output cannot be written to an address. Name a directory of this machine, and copy it when the run is done, for example with `aws s3 cp --recursive`."
    S142 = "[S142] an address of '{scheme}' holds a password. Leave it out, and give it the way the store's own tools read it, for example in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."

    # Explanations
    S080 = "[S080] no `trax_sentiment` component has scored this Doc. Process the text with a pipeline that has one, or, for a component from another pipeline, call its `explain(doc)`."
    S081 = "[S081] unknown style {style}. Use 'sentiment'; displaCy has the other styles."
    S082 = "[S082] {value} cannot be rendered. Give a Doc, a Span or a Sentiment, or a list of them."
    S083 = "[S083] unknown options: {value}. The options are: {options}."
    S084 = "[S084] several `trax_sentiment` components share this Doc's vocabulary, and it is unknown which one scored the Doc. Call that component's `explain(doc)`."

    # Lexicons
    S190 = "[S190] {path}: the lexicon cannot be read ({reason}). Name a file of UTF-8 text with a word, a tab and its valence on each line."
    S191 = "[S191] {path}, line {line}: {value} is not a single word, a tab and a valence from -4 to 4, such as 'gut<TAB>2', or it contradicts a line above."
    S192 = "[S192] '{value}' is not a language that spaCy can tokenize here ({reason}). Install what it needs, or give the code of another language, such as 'de', or 'xx' for any."

    # Targets
    S200 = "[S200] the model cannot score targets. Use 'en_trf' or 'en_auto', or an Encoder.v1 trained on targets (`target_head`)."
    S201 = "[S201] only an Encoder.v1 with WordPieces.v1 or UnigramPieces.v1 learns what a text says of a target. Start from 'en_trf', or name that architecture in the config."
    S202 = "[S202] the target from character {start} to {end} is empty, or not in the text of {length} characters. Give the first character and the one after the last."
    S204 = "[S204] the targets are spans of different Docs. Ask for those of one Doc at a time."
    S205 = "[S205] the target at token {start} is an empty span. Give a span of at least one token."
    S206 = "[S206] there are {n_texts} texts and {n_targets} lists of targets. Give a list of targets for each text, which may be empty."
    S213 = "[S213] {path}, row {row}: the target {target} is not in the text. Write it as the text does, or give its first character and the one after its last, as 12:17; or leave out --on-error fail to keep the row without scores."
    S214 = "[S214] the pipeline {pipeline} finds no entities. Name one with an 'ner' or an 'entity_ruler', or name the targets by --target-column."
    S203 = "[S203] the target from {start} to {end} is not in the text. Give the numbers `from`, of its first character, and `to`, of the one after its last."
    S207 = "[S207] {value} is not a source of targets. Set `sources` to one or more of: {known}."
    S208 = "[S208] the pattern {value} cannot be used ({reason}). Give a phrase as a string, or a list of spaCy's token patterns."
    S209 = "[S209] a span in doc.spans['{key}'] has the label {value}, which is not one of {labels}. Correct it, or name all labels in [initialize]."
    S210 = "[S210] the spans in doc.spans['{key}'] of the examples have fewer than two labels ({labels}). Give spans of each label, or name the labels in [initialize]."

    # Summaries by target
    S221 = "[S221] {path}: a summary cannot be written as '{suffix}'. Name a file that ends in .html, .json or .csv."
    S222 = "[S222] none of the {n_texts:,} texts mentions a target ({targets}). Check the spelling, or give a target more words: 'service=service,waiter'."
    S223 = "[S223] the target '{target}' has a blank name or word. Give words or phrases, 'food,service', or a name with its words, 'service=service,waiter'."
    S224 = "[S224] a summary needs the labels negative and positive; the model's are {labels}. Name both by --only-labels, or another model."
    S225 = "[S225] the rows have more than {most:,} groups. Name a column with fewer values by --group-by."

    # Warnings
    S172 = "[S172] the model's language is '{language}', and the pipeline's is '{found}'. Name a model of the pipeline's language, or train one."

    # Restricted labels
    S085 = "[S085] the labels {value} cannot be kept ({reason}). Give two or more of the model's, each once: {labels}."
    S086 = "[S086] the component '{name}' is restricted to the labels {labels}, so it cannot be trained. Load it without restrict_labels to train it."
    S087 = "[S087] {value} is loaded already, so its labels cannot be restricted. Give its name or path, or load it with these labels."

    # Checkpoints
    S120 = "[S120] the weights are not finite after step {step}; no checkpoint was written, and the previous one is kept. Lower the learning rate."
    S121 = "[S121] {path}: the checkpoint cannot be written ({reason}); the previous one is kept. Free some space or allow writing there, then continue with --resume."
    S122 = "[S122] {path}: the checkpoint is damaged ({reason}). Start over with --overwrite."
    S123 = "[S123] {path}: the checkpoint belongs to another run: {name} was {was} and is now {now}. Give the same settings and data, or start over with --overwrite."
    S124 = "[S124] {path}: there is a checkpoint of an earlier run. Continue it with --resume, or start over with --overwrite."
    S125 = "[S125] {path}: another training run writes there. Wait until it ends, or name another directory."
    S126 = "[S126] interrupted after step {step}, which is saved in {path}. Continue with --resume and otherwise the same command."
    S127 = "[S127] interrupted before the first step was done; nothing was written."

    # The web
    S090 = "[S090] the server needs {package}, which is not installed ({reason}). Install it from a clone: pip install '.[serve]'."
    S091 = "[S091] {host}, port {port}: cannot listen there ({reason}). Choose another --host or --port; port 0 takes any free port."
    # Reports
    S100 = "[S100] a report needs matplotlib, which is not installed ({reason}). Install it from a clone: pip install '.[train]'."
    S101 = "[S101] the second model has the labels {found}, the first {labels}. Compare models with the same labels."
    S102 = "[S102] {path}: TensorBoard's files cannot be written ({reason}). Name a directory that you can write to."
