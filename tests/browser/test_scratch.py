import machine
import pytest

BUSY = "%%carbon -n 'train the large model' -s train -t lr=0.1\nimport time\nend = time.time() + 6\nx = 0\nwhile time.time() < end:\n    x += 1"


@pytest.mark.browser
def test_look(notebook, lab, start_lab):
    nb = notebook("look", "%load_ext carbon_magic", BUSY, "%%carbon\n1/1", "%carbon")
    nb.start()
    nb.page.wait_for_timeout(5000)
    nb.picture("during")
    nb.wait()
    nb.page.wait_for_timeout(1500)
    nb.picture("after")
    nb.theme("JupyterLab Dark")
    nb.page.wait_for_timeout(500)
    nb.picture("after-dark")
    with machine.gpu_box() as m:
        l2 = start_lab(**m.environment, CARBON_MAGIC_PLACE="FR")
        nb = notebook("gpu", "%load_ext carbon_magic", BUSY, "%carbon", lab=l2)
        nb.start()
        nb.page.wait_for_timeout(5000)
        nb.picture("gpu-during")
        nb.wait()
        nb.page.wait_for_timeout(1500)
        nb.picture("gpu-after")
