# The client of the labelling guide, word for word but for the two addresses, which are given.
# ruff: noqa
import sys

from openai import OpenAI

##### API Configuration #####
openai_api_key = sys.argv[2]
openai_api_base = sys.argv[1] + "/v1/"

client = OpenAI(
    api_key=openai_api_key,
    base_url=openai_api_base,
)

models = client.models.list()
model = models.data[0].id
print(model)


def main():
    stream = True

    chat_completion = client.chat.completions.create(
        messages=[
            {
                "role": "system",
                "content": [
                    {
                        "type": "text",
                        "text": "You are an intent recognition expert. You can recognize an intent based on user questions and return the corresponding intent and parameters.",
                    }
                ],
            },
            {
                "role": "user",
                "content": [
                    {
                        "type": "text",
                        "text": "I want to listen to music",
                    }
                ],
            },
        ],
        model=model,
        max_completion_tokens=2048,
        stream=stream,
    )

    if stream:
        for chunk in chat_completion:
            print(chunk.choices[0].delta.content, end="")
    else:
        result = chat_completion.choices[0].message.content
        print(result)


if __name__ == "__main__":
    main()
