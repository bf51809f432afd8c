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
        2: "b139ab3531ee0f0c07a9b2596091149028dfcb7d39e5d66b36f080d96eaf5b39",
        3: "b1dc51cb5843dc5bfb9164e843ee7bf1129b175e6c641660a1c521d7c056b39f",
    },
}
