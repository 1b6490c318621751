"""Joins the use cases that hear recordings with the formats they are written in."""

from tympan.usecases.result_files import Writers
from tympan.wire.results import report_chunks, result_chunks
from tympan.wire.subtitles import srt_chunks, vtt_chunks

WRITERS = Writers(
    result=result_chunks, report=report_chunks, subtitles={"srt": srt_chunks, "vtt": vtt_chunks}
)
"""What a transcription leaves behind."""
