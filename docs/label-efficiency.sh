#!/bin/sh
# Prints docs/label-efficiency.md: sh docs/label-efficiency.sh [HONE] [FASHION_MNIST] > docs/label-efficiency.md
# HONE is the built program; FASHION_MNIST a folder with train/ and t10k/, each of class folders; left out if it is not given.
set -eu
hone=${1:-target/release/hone}
fashion=${2:-}
photos=public/demo/photos

cat <<'TEXT'
# Label efficiency

How accurate the model is after so many labels, asked by uncertainty herding, by margin, or at random: mean ± standard
deviation over the seeds, measured on data that is never labelled. Made by `sh docs/label-efficiency.sh`; the commands
are given with each table, and `docs/command-line.md` says what a simulation does.

Half the labels for the same accuracy is the promise that is checked: herding at 30 against random at 60 on the photos,
at 100 against 200 on Fashion-MNIST, each to within a point.
TEXT
printf '\n## The demo photos\n\n195 photos, 5 uneven classes, a third of each held out.\n\n'
printf '`hone simulate public/demo/photos --strategy herding,margin,random --budget 100 --batch 10 --seeds 10`\n\n'
"$hone" simulate "$photos" --strategy herding,margin,random --budget 100 --batch 10 --seeds 10 --markdown 2>/dev/null
if [ -n "$fashion" ]; then
    printf '\n## Fashion-MNIST\n\n2,000 images to label from, 1,000 to measure on, 10 even classes.\n\n'
    printf '`hone simulate train --test t10k --strategy herding,random --budget 200 --batch 20 --seeds 10`\n\n'
    "$hone" simulate "$fashion/train" --test "$fashion/t10k" --strategy herding,random --budget 200 --batch 20 \
        --seeds 10 --markdown 2>/dev/null
fi
