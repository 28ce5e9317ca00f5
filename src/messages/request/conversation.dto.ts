import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import {
  ArrayMaxSize,
  ArrayNotEmpty,
  IsArray,
  IsNotEmpty,
  IsOptional,
  IsString,
  MaxLength,
  ValidateIf,
} from 'class-validator';
import { ANY_OBJECT, list, ref } from '../../openapi/schema.js';

/** Anthropic's own limit on the messages of one request. */
const MAX_MESSAGES = 100_000;
/** Anthropic's own limit on a model name, in characters. */
const MAX_MODEL = 256;

/** What requests for a message and for a count of its tokens have in common. */
export class ConversationDto {
  @ApiProperty({
    description: 'A model name, or `<harness>/<model>`. The first request of a thread fixes harness and model.',
    examples: ['claude-opus-5-5'],
  })
  @MaxLength(MAX_MODEL)
  @IsString()
  @IsNotEmpty()
  readonly model!: string;

  @ApiProperty({
    description: 'The conversation. The last `user` message is the prompt; the agent remembers what came before.',
    type: 'array',
    minItems: 1,
    items: ref('MessageParam'),
    examples: [[{ role: 'user', content: 'Which files are here?' }]],
  })
  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(MAX_MESSAGES)
  readonly messages!: readonly unknown[];

  @ApiPropertyOptional({
    description: 'A string, or text blocks. Appended to the agent’s own instructions when the thread is new.',
    oneOf: [{ type: 'string' }, list(ANY_OBJECT)],
  })
  @ValidateIf((_, value: unknown) => value !== undefined && value !== null && typeof value !== 'string')
  @IsArray()
  readonly system?: string | readonly unknown[] | null;

  @ApiPropertyOptional({
    description:
      'Tools that run at the caller. The agent can call them beside its own; see `x-chiron-caller-tools`. Tools that the API runs are passed over.',
    type: 'array',
    items: ANY_OBJECT,
  })
  @IsOptional()
  @IsArray()
  readonly tools?: readonly unknown[] | null;
}
