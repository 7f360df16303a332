"""Makes the golden files of the text features with the reference implementation. Needs wordllama 0.4.0.post1 and safetensors.

Usage: python3 make_tokens.py. Writes tokens.json, a list of {"text", "tokens"}, from Hugging Face `tokenizers`, and
text-embeddings.f32, the mean embedding (256 × f32, not normalised) of each of those texts from `wordllama`.
"""

import json
import pathlib

import numpy
import wordllama
from safetensors.numpy import load_file
from tokenizers import Tokenizer
from wordllama.inference import WordLlamaInference

TEXTS = [
    "", " ", "  ", "a", "Hello world", "hello world", " leading space", "trailing space ", "two  spaces", "five     spaces",
    "a" + " " * 17 + "b", "tab\there", "line\nbreak\r\nand another", "\n\n\n", "Good case, Excellent value.",
    "So there is no way for me to plug it in here in the US unless I go by a converter.",
    "The quick brown fox jumps over the lazy dog 1234567890 times!", "3.14159, -2.71828; 1e-9 and 1,000,000.00",
    "don't can't won't it's we're I've", "UPPER CASE SENTENCE", "mIxEd CaSe", "snake_case and camelCase and kebab-case",
    "https://example.org/path?query=1&other=%20#fragment", "someone@example.com", "def f(x):\n    return x ** 2  # comment",
    "{\"key\": [1, 2, null], \"other\": true}", "naïve café façade coöperate", "e\u0301 composed é", "Ünïcödé straße ÆØÅ",
    "Привет, как дела?", "Γειά σου Κόσμε", "שלום עולם", "مرحبا بالعالم", "नमस्ते दुनिया", "你好，世界", "こんにちは世界", "안녕하세요 세계",
    "สวัสดีชาวโลก", "😀", "I love it 😍😍👍🏽", "👨‍👩‍👧‍👦 family", "🇩🇪 flag", "zero\u200bwidth", "nbsp\u00a0here", "▁ literal ▁▁ lower blocks",
    "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𝕄𝕒𝕥𝕙", "\u0000\u0001\u001f control", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "=" * 100, "abcdefghijklmnopqrstuvwxyz" * 10, "supercalifragilisticexpialidocious antidisestablishmentarianism",
    "Donaudampfschifffahrtsgesellschaftskapitän", "xyz" * 40 + "你好" * 30, "It was great. " * 60, "the" * 50 + " " * 40 + "end",
]


def main():
    target = pathlib.Path(__file__).parent
    package = pathlib.Path(wordllama.__file__).parent
    embedding = load_file(package / "weights" / "l2_supercat_256.safetensors")["embedding.weight"]
    tokenizer = Tokenizer.from_file(str(package / "tokenizers" / "l2_supercat_tokenizer_config.json"))
    model = WordLlamaInference(embedding, tokenizer)
    # The reference's own vectors first: it pads, which the tokens below must not have.
    direct = model.embed([text for text in TEXTS if text])
    model.tokenizer.no_padding()
    tokens = [model.tokenizer.encode(text, add_special_tokens=False).ids for text in TEXTS]
    entries = [json.dumps({"text": text, "tokens": ids}) for text, ids in zip(TEXTS, tokens)]
    (target / "tokens.json").write_text("[\n" + ",\n".join(entries) + "\n]\n")
    embeddings = [model.embedding[ids].mean(axis=0) if ids else numpy.zeros(256) for ids in tokens]
    (target / "text-embeddings.f32").write_bytes(numpy.array(embeddings, dtype="<f4").tobytes())
    assert numpy.allclose(direct, [e for e, text in zip(embeddings, TEXTS) if text], atol=1e-5)


if __name__ == "__main__":
    main()
