"""The SHA-256 of weights and moments after so many steps of strict_training.RUNS, written by `make strict-golden`.

By the strict oracle, in exact arithmetic: no backend had a part in them.
"""

GOLDEN = {
    "small": {
        1: "f51a167b28fb44aca76ae16abf6c216d59f7faaab5921c7fe76eb630599fd82d",
        10: "15585479e7ccbc1fdc4861710199736c23dc9c0288ca3de0ed161886ab7587d9",
        100: "d689b7be0a451808a42194a412725158935ed11fcb45fcc3f4cf81b5b1db6c97",
    },
    "names": {
        1: "9df799f50a57ca75fec8fce7472ef7ca37268e9fe1263e2d2c2c74fa36c45c5a",
        10: "5a3a3efcd291eb4415d2b5415911f7eda3058f0ea54baf1ec744c0e08ab21e1b",
        20: "96741a4ed9699031464f79bea0b84a1eb7c41d5464452fca42345e4c720fb8b5",
    },
}
