"""Make sdists reproducible: the same SOURCE_DATE_EPOCH gives the same bytes. Everything else is in setup.cfg."""

import gzip
import os
import tarfile

from setuptools import setup
from setuptools.command.sdist import sdist


class ReproducibleSdist(sdist):
    """If SOURCE_DATE_EPOCH is set, write the members in order, with that time and without an owner."""

    def make_archive(self, base_name, format, root_dir=None, base_dir=None, owner=None, group=None):
        epoch = os.environ.get("SOURCE_DATE_EPOCH")
        if epoch is None or format != "gztar":
            return super().make_archive(base_name, format, root_dir, base_dir, owner, group)

        def without_origin(member):
            member.mtime, member.uid, member.gid, member.uname, member.gname = int(epoch), 0, 0, "", ""
            return member

        path = f"{base_name}.tar.gz"
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        with (
            open(path, "wb") as file,
            gzip.GzipFile("", "wb", fileobj=file, mtime=int(epoch)) as zipped,
            tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as archive,
        ):
            archive.add(base_dir, filter=without_origin)
        return path


setup(cmdclass={"sdist": ReproducibleSdist})
